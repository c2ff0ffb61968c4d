/*
 * Files that are replaced as a whole or not at all.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *path, const char *what)
{
  fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
  return false;
}

/* FIRST SECOND in path [FILE_PATH_SIZE], without a gap. */
static bool concatenate(const char *first, const char *second, char *path)
{
  const int length = snprintf(path, FILE_PATH_SIZE, "%s%s", first, second);
  if (length >= 0 && length < FILE_PATH_SIZE)
    return true;
  errno = ENAMETOOLONG;
  return fail(first, "cannot add to this name");
}

bool file_join(const char *folder, const char *name, char *path)
{
  char stem[FILE_PATH_SIZE];
  return concatenate(folder, "/", stem) && concatenate(stem, name, path);
}

bool file_make_folder(const char *folder)
{
  struct stat status;
  if (mkdir(folder, 0777) == 0)
    return true;
  if (errno != EEXIST || stat(folder, &status) != 0)
    return fail(folder, "cannot make this folder");
  errno = ENOTDIR;
  return S_ISDIR(status.st_mode) || fail(folder, "cannot write into it");
}

static bool write_all(int file, const char *bytes, size_t count)
{
  while (count > 0) {
    const ssize_t written = write(file, bytes, count);
    if (written < 0 && errno != EINTR)
      return false;
    if (written > 0) {
      bytes += written;
      count -= (size_t)written;
    }
  }
  return true;
}

/* A file that is on the disk when this returns true; else errno says why not. */
static bool write_through(const char *path, const void *bytes, size_t count)
{
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0)
    return false;
  const bool good = write_all(file, bytes, count) && fsync(file) == 0;
  const int error = errno;
  const bool closed = close(file) == 0;
  if (!good)
    errno = error;
  return good && closed;
}

/* Flushes the folder that a path names an entry of: only then is a rename on the disk. */
static bool flush_folder(const char *path)
{
  char folder[FILE_PATH_SIZE] = ".";
  const char *slash = strrchr(path, '/');
  if (slash != NULL)
    snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
  const int file = open(folder, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  /* EINVAL: this file system has no such thing. */
  const bool good = fsync(file) == 0 || errno == EINVAL;
  const int error = errno;
  close(file);
  errno = error;
  return good;
}

bool file_replace(const char *path, const void *bytes, size_t count)
{
  char temporary[FILE_PATH_SIZE];
  if (!concatenate(path, ".tmp", temporary))
    return false;
  if (write_through(temporary, bytes, count) && rename(temporary, path) == 0)
    return flush_folder(path) || fail(path, "written, but perhaps not yet on the disk");
  const int error = errno;
  unlink(temporary);
  errno = error;
  return fail(path, "cannot write this file");
}
