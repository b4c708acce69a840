/* As "stamp": notes the time and execs its arguments. As "arrived": prints the microseconds since then.
   Both read CLOCK_MONOTONIC in one container, so nothing of the engine is in the figure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  long long arrived = now();
  const char *name = strrchr(argv[0], '/');
  if (strcmp(name ? name + 1 : argv[0], "arrived") == 0) {
    printf("%lld", (arrived - atoll(getenv("STAMP"))) / 1000);
    FILE *status = fopen("/proc/1/status", "r");
    char line[256];
    while (status && fgets(line, sizeof line, status))
      if (strncmp(line, "VmRSS:", 6) == 0) printf(" %d", atoi(line + 6));
    puts("");
    return 0;
  }
  char text[32];
  snprintf(text, sizeof text, "%lld", now());
  setenv("STAMP", text, 1);
  execv(argv[1], argv + 1);
  return 127;
}
