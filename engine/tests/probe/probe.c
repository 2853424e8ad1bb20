// In ffmpeg's place: tries what no ffmpeg must be able to do, and tells as a complaint what it could do.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *what, int could) {
  if (could)
    fprintf(stderr, "%s, ", what);
}

static int opens(const char *path, int flags) {
  int fd = open(path, flags, 0600);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static int connects(int port, int protocol) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, protocol);
  int could = fd >= 0 && connect(fd, (void *)&to, sizeof to) == 0;
  close(fd);
  return could;
}

// A connection that `connect` is not asked for.
static int connects_by_first_packet(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  int could = fd >= 0 && sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&to, sizeof to) == 1;
  close(fd);
  return could;
}

static int sends_datagram(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return fd >= 0 && sendto(fd, "x", 1, 0, (void *)&to, sizeof to) == 1;
}

static int listens(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  return fd >= 0 && listen(fd, 1) == 0;
}

static int forks(void) {
  pid_t child = fork();
  if (child == 0)
    _exit(0);
  if (child > 0)
    waitpid(child, NULL, 0);
  return child > 0;
}

// As posix_spawn does it.
static int clones(void) {
  long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0)
    _exit(0);
  if (child > 0)
    waitpid(child, NULL, 0);
  return child > 0;
}

// Where it may not fork, what it executes takes its place, and nothing more is said.
static int executes(const char *path) {
  pid_t child = vfork();
  if (child > 0) {
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0;
  }
  execl(path, path, "-c", "exit 0", NULL);
  if (child == 0)
    _exit(1);
  return 0;
}

static int reads_memory_of(pid_t other) {
  char mine[1];
  struct iovec to = {mine, 1}, from = {(void *)&environ, 1};
  errno = 0;
  return process_vm_readv(other, &to, 1, &from, 1, 0) == 1 || errno == EFAULT;
}

static int port_in(const char *argument) {
  const char *at = strstr(argument, "http://127.0.0.1:");
  return at ? atoi(at + strlen("http://127.0.0.1:")) : 0;
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[count - 1], "-version") == 0) {
    puts("ffmpeg version 5.1.9 Copyright (c) 2000-2026 the FFmpeg developers");
    return 0;
  }
  int port = 0;
  const char *file = NULL;
  for (int n = 1; n < count; n++) {
    if (port_in(arguments[n]))
      port = port_in(arguments[n]);
    if (strncmp(arguments[n], "file:", 5) == 0)
      file = arguments[n] + 5;
  }
  pid_t parent = getppid();
  fputs("[error] it could: ", stderr);
  if (file)
    tell("read its input", opens(file, O_RDONLY));
  if (file)
    tell("write its input", opens(file, O_RDWR));
  if (port)
    tell("connect to its input", connects(port, 0));
  tell("read /etc/passwd", opens("/etc/passwd", O_RDONLY));
  tell("list /etc", opens("/etc", O_RDONLY | O_DIRECTORY));
  tell("read another's folder", opens(OTHER "/secret", O_RDONLY));
  tell("make a file", opens(OTHER "/made", O_WRONLY | O_CREAT));
  tell("empty a file", opens(OTHER "/emptied", O_WRONLY | O_TRUNC));
  tell("make a file in its folder", opens("made", O_WRONLY | O_CREAT));
  tell("remove a file", unlink(OTHER "/removed") == 0);
  tell("change a mode", chmod(OTHER "/secret", 0644) == 0);
  tell("connect elsewhere", connects(PORT, 0));
  tell("connect elsewhere by MPTCP", connects(PORT, 262));
  tell("connect by a first packet", connects_by_first_packet(PORT));
  tell("send a datagram", sends_datagram(PORT));
  tell("listen", listens());
  tell("make a socket of another kind", socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
  tell("signal its parent", kill(parent, 0) == 0);
  tell("trace its parent", ptrace(PTRACE_SEIZE, parent, 0, 0) == 0);
  tell("read its parent's memory", reads_memory_of(parent));
  tell("make a namespace", unshare(CLONE_NEWUSER) == 0);
  tell("lead a session", setsid() > 0 || setpgid(0, parent) == 0);
  tell("fork", forks());
  tell("clone", clones());
  tell("execute a shell", executes("/bin/sh"));
  fputs("and no more\n", stderr);
  return 1;
}
