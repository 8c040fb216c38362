/* SPDX-License-Identifier: ISC */
/* Ground for every file: the cleanup attributes, sizes, and the only place for #ifdef. */
#ifndef REEVE_UTIL_H
#define REEVE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The object that holds `member`, from a pointer to the member. */
#define CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* What stands behind the name of a thing of which there are so many, of whatever type. */
#define PLURAL(count) ((count) == 1 ? "" : "s")

/* Monotonic milliseconds; a span of time or a point on the loop's clock. */
typedef int64_t msec;

static inline void
util_free_pointer(void *place)
{
	free(*(void **)place);
}

static inline void
util_close_pointer(const int *place)
{
	if (*place >= 0)
		(void)close(*place);
}

#define auto_free __attribute__((cleanup(util_free_pointer)))
#define auto_close __attribute__((cleanup(util_close_pointer)))

/* Give a descriptor away: returns *place and leaves -1 there, so auto_close spares it. */
static inline int
util_take_fd(int *place)
{
	int taken_fd = *place;

	*place = -1;
	return taken_fd;
}

/* The number of futex(2) that takes this C library's struct timespec: on 32-bit machines there are
 * two of them. For syscall(2); wants <time.h>. */
#ifdef SYS_futex_time64
#define UTIL_SYS_FUTEX (sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex)
#else
#define UTIL_SYS_FUTEX SYS_futex
#endif

/* Give the kernel what was freed: glibc's malloc keeps all that lies below anything in use, for
 * good; others give it back by themselves. Cheap where there is nothing to give. */
#ifdef __GLIBC__
#include <malloc.h>
static inline void
util_trim_heap(void)
{
	(void)malloc_trim(0);
}
#else
static inline void
util_trim_heap(void)
{
}
#endif

/* Are tcp_wrappers' files asked in this build (WITH_LIBWRAP=1)? */
#if defined(REEVE_WITH_LIBWRAP)
#define UTIL_HAS_LIBWRAP true
#else
#define UTIL_HAS_LIBWRAP false
#endif

/* A sanitizer's runtime needs system calls and memory that the plain program does not. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UTIL_HAS_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define UTIL_HAS_SANITIZER true
#endif
#endif
#ifndef UTIL_HAS_SANITIZER
#define UTIL_HAS_SANITIZER false
#endif

#endif
