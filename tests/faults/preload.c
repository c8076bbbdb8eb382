/* Strikes at a change of the file system. To be loaded (LD_PRELOAD) into a program and all that it starts.
 *
 * It counts the system calls that change something below one directory, over all processes, in a file that is mapped
 * into memory. At the one with a given number it kills everybody, has the call fail, or sends a signal; the number 0
 * only has them counted. In the same file is by how many seconds the wall clock is wrong.
 *
 *   FAULT_BOARD   the file; without it nothing happens
 *   FAULT_ROOT    the directory, as realpath(3) has it
 *
 * https://man7.org/linux/man-pages/man8/ld.so.8.html
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum action { COUNT, KILL, FAIL, FAIL_FROM_NOW_ON, END, STOP };

/* tests/faults/preload.py has the same. */
struct board {
    int64_t clock_error; /* seconds */
    int32_t action;
    int32_t at;     /* the number of the change; 0: none; -1: the next one at the place, -2: the one after that */
    int32_t error;  /* errno, for FAIL */
    int32_t count;  /* changes so far */
    int32_t struck; /* how often it has struck */
    int32_t dead;   /* whether all are to die */
    int32_t leader; /* the first process that has loaded this */
    int32_t armed;  /* whether changes count at all */
    char call[16];   /* a pattern for the functions that count */
    char place[256]; /* a pattern for paths, or for what is above them */
    char what[512];  /* what was struck first */
};

static struct board *board;
static const char *root;

enum { LONGEST = 4096 + 256 };

__attribute__((constructor)) static void join(void)
{
    const char *file = getenv("FAULT_BOARD");
    root = getenv("FAULT_ROOT");
    if (!file || !root)
        return;
    int descriptor = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return;
    void *mapped = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    syscall(SYS_close, descriptor);
    if (mapped == MAP_FAILED)
        return;
    board = mapped;
    __sync_bool_compare_and_swap(&board->leader, 0, getpid());
}

static int is_within(const char *path, const char *place)
{
    size_t length = strlen(place);
    return strncmp(path, place, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Does a path lie below the root, wherever links on the way lead? Without a path it is about the descriptor itself. */
static int is_below_root(int directory, const char *path, char *found)
{
    char link[64], parent[4096];
    int descriptor = directory;
    const char *name = NULL;
    if (path) {
        const char *slash = strrchr(path, '/');
        size_t length = slash ? (size_t)(slash - path) + 1 : 0;
        if (length >= sizeof parent)
            return 0;
        memcpy(parent, path, length);
        parent[length] = 0;
        name = slash ? slash + 1 : path;
        descriptor = syscall(SYS_openat, directory, length ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0)
            return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, found, 4096);
    if (path)
        syscall(SYS_close, descriptor);
    if (length <= 0 || length >= 4096)
        return 0;
    if (name)
        snprintf(found + length, LONGEST - length, "/%s", name);
    return is_within(found, root);
}

static void die(void)
{
    board->dead = 1;
    syscall(SYS_kill, board->leader, SIGKILL);
    syscall(SYS_kill, getpid(), SIGKILL);
}

/* To be called before each change; returns the error that it has to fail with, or 0. */
static int before(const char *call, int directory, const char *path)
{
    if (!board || !board->armed || fnmatch(board->call, call, 0) != 0)
        return 0;
    char found[LONGEST] = "";
    int saved = errno, below = is_below_root(directory, path, found);
    errno = saved;
    if (!below)
        return 0;
    if (board->dead)
        die();
    int number = __sync_add_and_fetch(&board->count, 1);
    if (board->at < 0 && fnmatch(board->place, found, FNM_LEADING_DIR) == 0)
        board->at = number - 1 - board->at;
    int lasting = board->action == FAIL_FROM_NOW_ON && board->at > 0 && number > board->at;
    if (board->action == STOP && number == board->at && getpid() == board->leader) {
        board->at++; /* it is for a program that the first process has started */
        return 0;
    }
    if (board->at <= 0 || (number != board->at && !lasting))
        return 0;
    if (__sync_add_and_fetch(&board->struck, 1) == 1)
        snprintf(board->what, sizeof board->what, "%s %s", call, path ? path : "(a descriptor)");
    switch (board->action) {
    case KILL:
        die();
        return 0;
    case FAIL:
    case FAIL_FROM_NOW_ON:
        return board->error;
    case END:
        syscall(SYS_kill, board->leader, SIGTERM);
        return 0;
    case STOP:
        syscall(SYS_kill, getpid(), SIGSTOP);
        return 0;
    default:
        return 0;
    }
}

#define STRIKE(call, directory, path)              \
    do {                                           \
        int error = before(#call, directory, path); \
        if (error) {                               \
            errno = error;                         \
            return -1;                             \
        }                                          \
    } while (0)

/* A function of the C library that changes something: its parameters, their names, and what it is about. */
#define CHANGE(type, call, parameters, names, directory, path) \
    type call parameters                                       \
    {                                                          \
        static type(*real) parameters;                         \
        if (!real)                                             \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #call); \
        STRIKE(call, directory, path);                         \
        return real names;                                     \
    }

CHANGE(int, rename, (const char *from, const char *to), (from, to), AT_FDCWD, to)
CHANGE(int, renameat, (int at, const char *from, int into, const char *to), (at, from, into, to), into, to)
CHANGE(int, renameat2, (int at, const char *from, int into, const char *to, unsigned flags), (at, from, into, to, flags), into, to)
CHANGE(int, link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
CHANGE(int, linkat, (int at, const char *from, int into, const char *to, int flags), (at, from, into, to, flags), into, to)
CHANGE(int, symlink, (const char *text, const char *path), (text, path), AT_FDCWD, path)
CHANGE(int, symlinkat, (const char *text, int at, const char *path), (text, at, path), at, path)
CHANGE(int, unlink, (const char *path), (path), AT_FDCWD, path)
CHANGE(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), at, path)
CHANGE(int, rmdir, (const char *path), (path), AT_FDCWD, path)
CHANGE(int, remove, (const char *path), (path), AT_FDCWD, path)
CHANGE(int, mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
CHANGE(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), at, path)
CHANGE(int, chmod, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
CHANGE(int, fchmod, (int at, mode_t mode), (at, mode), at, NULL)
CHANGE(int, fchmodat, (int at, const char *path, mode_t mode, int flags), (at, path, mode, flags), at, path)
CHANGE(int, ftruncate, (int at, off_t length), (at, length), at, NULL)
CHANGE(int, ftruncate64, (int at, off64_t length), (at, length), at, NULL)
CHANGE(int, fsync, (int at), (at), at, NULL)
CHANGE(int, fdatasync, (int at), (at), at, NULL)
CHANGE(ssize_t, write, (int at, const void *data, size_t size), (at, data, size), at, NULL)
CHANGE(ssize_t, pwrite, (int at, const void *data, size_t size, off_t offset), (at, data, size, offset), at, NULL)
CHANGE(ssize_t, pwrite64, (int at, const void *data, size_t size, off64_t offset), (at, data, size, offset), at, NULL)

/* open(2) changes something if it makes a file, or empties it. */
#define OPEN(call, parameters, names, directory)                        \
    int call parameters                                                 \
    {                                                                   \
        static int(*real) parameters;                                   \
        if (!real)                                                      \
            real = (int(*) parameters)dlsym(RTLD_NEXT, #call);          \
        va_list list;                                                   \
        va_start(list, flags);                                          \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
        va_end(list);                                                   \
        if (flags & (O_CREAT | O_TRUNC))                                \
            STRIKE(call, directory, path);                              \
        return real names;                                              \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)

#define FOPEN(call)                                                     \
    FILE *call(const char *path, const char *mode)                      \
    {                                                                   \
        static FILE *(*real)(const char *, const char *);               \
        if (!real)                                                      \
            real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, #call); \
        int error = *mode == 'r' ? 0 : before(#call, AT_FDCWD, path);   \
        if (error) {                                                    \
            errno = error;                                              \
            return NULL;                                                \
        }                                                               \
        return real(path, mode);                                        \
    }

FOPEN(fopen)
FOPEN(fopen64)

/* The wall clock, also where a file is given the time of now. What measures intervals has another one, which is left as it is. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, clock, now);
    if (!result && board && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += board->clock_error;
    return result;
}

time_t time(time_t *now)
{
    struct timespec found = {0};
    clock_gettime(CLOCK_REALTIME, &found);
    if (now)
        *now = found.tv_sec;
    return found.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found = {0};
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

#define TIMES(call, parameters, names, directory, path)             \
    int call parameters                                             \
    {                                                               \
        static int(*real) parameters;                               \
        struct timespec now[2];                                     \
        if (!real)                                                  \
            real = (int(*) parameters)dlsym(RTLD_NEXT, #call);      \
        STRIKE(call, directory, path);                              \
        if (board && board->clock_error && !times) {                \
            clock_gettime(CLOCK_REALTIME, now);                     \
            now[1] = now[0];                                        \
            times = now;                                            \
        }                                                           \
        return real names;                                          \
    }

TIMES(utimensat, (int at, const char *path, const struct timespec times[2], int flags), (at, path, times, flags), at, path)
TIMES(futimens, (int at, const struct timespec times[2]), (at, times), at, NULL)
