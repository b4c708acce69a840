/* block-signals PROGRAM [ARGUMENT...]: becomes the program, given by its path, with every signal blocked.
   Where one is pending that asks for the end (TERM, INT, HUP, QUIT), it ends instead, with 128 + n. A hang-up that is
   ignored does not count: such a session outlives its terminal (init/signals.py), and gosu leaves it ignored.

   PID 1 loses a signal that it neither blocks nor handles, and an interpreter takes milliseconds before its
   first statement could block one. Blocked, a signal stays pending, and the mask survives exec: signal(7),
   execve(2). But gosu unblocks these four (init/signals.py), so what is pending is looked at right before it:
   here, since to exec takes a program as large as an interpreter far longer than one that holds nothing.

   Why not `env --block-signal`: only GNU's env, and the newest of the others, have it. Why not the C library:
   before main() glibc asks 68 times what the processor can do (CPUID), and a virtual machine takes 6
   microseconds for each answer. So its start takes ten times as long as this program, and so is the time ten
   times as long in which a signal is lost. The numbers of the system calls are the kernel's (asm/unistd.h), their registers are syscall(2)'s. */
#include <asm/errno.h>
#include <asm/signal.h>
#include <asm/unistd.h>

#define EX_USAGE 64 /* sysexits.h */
#define EX_NOT_EXECUTABLE 126
#define EX_NOT_FOUND 127

#if defined __x86_64__
/* The kernel leaves the argument count at the stack's top: the System V ABI, "Process Initialization". */
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");

static long call(long number, long first, long second, long third, long fourth) {
  register long in_r10 __asm__("r10") = fourth;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third), "r"(in_r10)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined __aarch64__
__asm__(".globl _start\n_start: mov x0, sp\n bl start\n");

static long call(long number, long first, long second, long third, long fourth) {
  register long in_x8 __asm__("x8") = number, in_x0 __asm__("x0") = first, in_x1 __asm__("x1") = second;
  register long in_x2 __asm__("x2") = third, in_x3 __asm__("x3") = fourth;
  __asm__ volatile("svc 0" : "+r"(in_x0) : "r"(in_x8), "r"(in_x1), "r"(in_x2), "r"(in_x3) : "memory");
  return in_x0;
}
#else
#error "image/block-signals.c knows the system calls of x86-64 and arm64 only: add this processor's"
#endif

static void say(const char *text) {
  long length = 0;
  while (text[length]) length++;
  call(__NR_write, 2, (long)text, length, 0);
}

static void end(int code) { call(__NR_exit_group, code, 0, 0, 0); }

static void block_signals(void) {
  /* But 32 and 33, which the C library's threads talk with; the kernel leaves out SIGKILL and SIGSTOP. */
  unsigned long all = ~(3UL << 31);
  call(__NR_rt_sigprocmask, SIG_BLOCK, (long)&all, 0, sizeof all);
}

static int is_ignored(int number) {
  struct sigaction action = {0};
  call(__NR_rt_sigaction, number, 0, (long)&action, sizeof action.sa_mask);
  return action.sa_handler == SIG_IGN;
}

static void end_if_asked(void) {
  static const int ending[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
  unsigned long pending = 0;
  call(__NR_rt_sigpending, (long)&pending, sizeof pending, 0, 0);
  for (unsigned i = 0; i < sizeof ending / sizeof *ending; i++)
    if (pending >> (ending[i] - 1) & 1 && !(ending[i] == SIGHUP && is_ignored(SIGHUP))) end(128 + ending[i]);
}

__attribute__((used)) void start(long *stack) {
  block_signals();
  end_if_asked();
  char **arguments = (char **)(stack + 1), **environment = arguments + *stack + 1;
  if (*stack < 2) {
    say("block-signals: no program is named. Usage: block-signals PROGRAM [ARGUMENT...]\n");
    end(EX_USAGE);
  }
  long error = call(__NR_execve, (long)arguments[1], (long)(arguments + 1), (long)environment, 0);
  say("block-signals: cannot run ");
  say(arguments[1]);
  say(error == -ENOENT ? ": there is no such program\n" : ": it is no program that may be executed\n");
  end(error == -ENOENT ? EX_NOT_FOUND : EX_NOT_EXECUTABLE);
}
