/* Multiplies the numbers of a tensor stream: scale FACTOR < latents.npy > scaled.npy

   cc -O2 -o scale scale.c

   A filter for vae-tools in plain C99, all of it in this file. Reads u1, which stands for
   value/255, and little-endian f4, as the tools write them, on a machine of that byte order;
   writes f4 in the shape that it read. See tensor-stream(5). */

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 64, BAD_DATA = 65, FAILED_WRITE = 74, LONGEST_HEADER = 65536, BLOCK = 16384 };

static void fail(int status, const char *words) {
  fprintf(stderr, "scale: %s\n", words);
  exit(status);
}

static void read_all(void *bytes, size_t size) {
  if (fread(bytes, 1, size, stdin) != size) fail(BAD_DATA, "standard input: the stream ends early");
}

static void write_all(const void *bytes, size_t size) {
  if (fwrite(bytes, 1, size, stdout) != size) fail(FAILED_WRITE, "standard output: not written");
}

/* What follows a key in the text of a header. */
static const char *value(const char *text, const char *key) {
  const char *found = strstr(text, key);
  if (!found) fail(BAD_DATA, "standard input: a header without descr, fortran_order or shape");
  found += strlen(key);
  return found + strspn(found, ": ");
}

/* The product of the dimensions between parentheses. */
static uint64_t elements(const char *shape) {
  uint64_t product = 1;
  for (shape++; *shape != ')'; shape++) {
    if (*shape == ',' || *shape == ' ') continue;
    if (!isdigit((unsigned char)*shape)) fail(BAD_DATA, "standard input: a shape of no numbers");
    char *end;
    errno = 0;
    uint64_t dimension = strtoull(shape, &end, 10);
    if (errno || (dimension && product > UINT64_MAX / dimension))
      fail(BAD_DATA, "standard input: a shape too large");
    product *= dimension;
    shape = end - 1;
  }
  return product;
}

/* Writes the header of f4 in that shape: up to a multiple of 64 bytes, as numpy.save does. */
static void write_header(const char *shape, size_t length) {
  static char text[LONGEST_HEADER + 128];
  int size = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': %.*s, }",
                      (int)length, shape);
  while ((10 + size + 1) % 64) text[size++] = ' ';
  text[size++] = '\n';
  if (size > 65535) fail(BAD_DATA, "standard input: a shape too long");
  unsigned char start[10] = "\x93NUMPY\1\0";
  start[8] = (unsigned char)(size & 255);
  start[9] = (unsigned char)(size >> 8);
  write_all(start, sizeof start);
  write_all(text, (size_t)size);
}

/* One array, after its first byte. */
static void scale_array(float factor) {
  static char text[LONGEST_HEADER + 1];
  static float numbers[BLOCK];
  static unsigned char bytes[BLOCK];
  unsigned char start[7], length[4] = {0};

  read_all(start, sizeof start);
  if (memcmp(start, "NUMPY", 5)) fail(BAD_DATA, "standard input: expected a .npy array");
  read_all(length, start[5] == 1 ? 2 : 4);
  uint32_t size = 0;
  for (int i = 4; i-- > 0;) size = size << 8 | length[i];
  if (size > LONGEST_HEADER) fail(BAD_DATA, "standard input: a header too long");
  read_all(text, size);
  text[size] = 0;

  const char *type = value(text, "'descr'"), *shape = value(text, "'shape'");
  const char *end = strchr(shape, ')');
  int is_bytes = !strncmp(type, "'|u1'", 5);
  if (!is_bytes && strncmp(type, "'<f4'", 5)) fail(BAD_DATA, "standard input: expected u1 or f4");
  if (strncmp(value(text, "'fortran_order'"), "False", 5) || *shape != '(' || !end)
    fail(BAD_DATA, "standard input: expected a shape, and row order");
  write_header(shape, (size_t)(end + 1 - shape));

  if (is_bytes) factor /= 255;
  for (uint64_t left = elements(shape); left > 0;) {
    size_t count = left < BLOCK ? (size_t)left : BLOCK;
    read_all(is_bytes ? (void *)bytes : numbers, is_bytes ? count : count * sizeof *numbers);
    for (size_t i = 0; i < count; i++) numbers[i] = factor * (is_bytes ? bytes[i] : numbers[i]);
    write_all(numbers, count * sizeof *numbers);
    left -= count;
  }
}

int main(int count, char **words) {
  char *end = NULL;
  float factor = count == 2 ? strtof(words[1], &end) : 0;
  if (count != 2 || end == words[1] || *end) fail(USAGE, "usage: scale FACTOR");
  int first = getchar();
  if (first == EOF) fail(BAD_DATA, "standard input: no data, expected a .npy array");
  for (; first != EOF; first = getchar()) {
    if (first != 0x93) fail(BAD_DATA, "standard input: expected a .npy array");
    scale_array(factor);
  }
  if (fflush(stdout)) fail(FAILED_WRITE, "standard output: not written");
  return 0;
}
