"""What build tools read where they are started; IDEs start them, too."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the build tool runs what it names", """
        .mvn/** gradle/wrapper/** gradle/gradle-daemon-jvm.properties gradle.properties init.gradle
        init.gradle.kts *.bazelrc .bazelrc .bazeliskrc .bazelversion tools/bazel .buckconfig
        .buckconfig.local .buckconfig.d/** .sbtopts .jvmopts project/build.properties .mill-version
        .mill-jvm-opts .mill-opts pants.toml .pants.rc .plzconfig .plzconfig.* idf_ext.py .west/config
        .moon/** .swiftpm/configuration/*"""),
)  # fmt: skip
