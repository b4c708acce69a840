"""What extensions for a framework, a style sheet or a schema run once an editor has opened the folder.

Left out: what style sheets name (``@plugin`` of Tailwind 4), since style sheets are sources.
"""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the editor's extension for the framework runs it, and the build does", """
        vite.config.* svelte.config.* astro.config.* vue.config.* nuxt.config.* next.config.* remix.config.*
        react-router.config.* gatsby-config.* webpack.config.* rspack.config.* rsbuild.config.*
        rollup.config.* rolldown.config.* tsup.config.* tsdown.config.* rslib.config.* rspress.config.*
        build.config.* stencil.config.* eleventy.config.* .eleventy.* farm.config.* vike.config.*
        waku.config.* snowpack.config.* wxt.config.* ladle.config.* histoire.config.* sanity.config.*
        vocs.config.* svgo.config.* orval.config.* prisma.config.* drizzle.config.* mikro-orm.config.*
        forge.config.* capacitor.config.* contentlayer.config.* electron.vite.config.* esbuild.config.*
        metro.config.* .parcelrc react-native.config.* ember-cli-build.js .ember-cli .storybook/**
        docusaurus.config.* .vitepress/config.* .vuepress/**"""),
    Rule("the editor's extension for style sheets runs it, or plugins that it names", """
        tailwind.config.* postcss.config.* .postcssrc .postcssrc.* uno.config.* unocss.config.*
        windi.config.* panda.config.* .sassrc .sassrc.*"""),
    Rule("the editor's extension for GraphQL runs it, or sends variables where it says", """
        graphql.config.* .graphqlrc .graphqlrc.* .graphqlconfig .graphqlconfig.* apollo.config.*
        relay.config.*"""),
    Rule("the editor's extension asks Nx, which loads plugins that it names", "nx.json"),
    Rule("the editor's extension runs it", "hardhat.config.* truffle-config.js truffle.js foundry.toml"),
    Rule("the editor's preview runs it", """
        docs/conf.py docs/source/conf.py doc/conf.py doc/source/conf.py source/conf.py .asciidoctor/**
        .asciidoctorconfig .asciidoctorconfig.adoc .crossnote/** .mume/**"""),
    Rule("the editor loads plugins of the folder", ".obsidian/** logseq/custom.js logseq/config.edn"),
    Rule("the engine's editor runs what it names", "*.uproject *.uplugin"),
)  # fmt: skip
