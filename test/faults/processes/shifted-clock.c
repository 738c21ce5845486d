// To be preloaded into a server: its time of day, moved by as many milliseconds as stand in the file $SHIFTED_CLOCK.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  char text[32] = {0};
  int file = open(getenv("SHIFTED_CLOCK"), O_RDONLY);
  long long ms = file >= 0 && read(file, text, sizeof text - 1) > 0 ? atoll(text) : 0;
  if (file >= 0) close(file);
  int result = syscall(SYS_gettimeofday, now, zone);
  now->tv_sec += ms / 1000;
  return result;
}
