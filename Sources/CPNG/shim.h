#ifndef VT_PNG_SHIM_H
#define VT_PNG_SHIM_H

// libpng, a row at a time. libpng reports errors by longjmp, which must never cross a Swift frame:
// every call that can fail sets its own setjmp here, below Swift, and returns 0 or -1. Callbacks
// into Swift return a number too, and the jump starts only after they have returned.

#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VT_PNG_MESSAGE = 160 };

// Moves bytes between libpng and its owner; 0 is success.
typedef int (*vt_png_write_bytes)(void *owner, const uint8_t *bytes, size_t count);
typedef int (*vt_png_read_bytes)(void *owner, uint8_t *bytes, size_t count);

typedef struct vt_png {
  png_structp png;
  png_infop info;
  void *owner;
  vt_png_write_bytes write;
  vt_png_read_bytes read;
  char message[VT_PNG_MESSAGE];
} vt_png;

static inline void vt_png_on_error(png_structp png, png_const_charp message) {
  vt_png *self = (vt_png *)png_get_error_ptr(png);
  if (self) strncpy(self->message, message, VT_PNG_MESSAGE - 1);
  png_longjmp(png, 1);
}

static inline void vt_png_on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static inline void vt_png_on_write(png_structp png, png_bytep bytes, size_t count) {
  vt_png *self = (vt_png *)png_get_io_ptr(png);
  if (self->write(self->owner, bytes, count) != 0) png_error(png, "write failed");
}

static inline void vt_png_on_read(png_structp png, png_bytep bytes, size_t count) {
  vt_png *self = (vt_png *)png_get_io_ptr(png);
  if (self->read(self->owner, bytes, count) != 0) png_error(png, "read failed");
}

static inline void vt_png_on_flush(png_structp png) { (void)png; }

// The last error's text; empty when there was none.
static inline const char *vt_png_message(const vt_png *self) { return self->message; }

// Writing: create, begin, row for each row, end, free.

static inline vt_png *vt_png_writer_create(void *owner, vt_png_write_bytes write) {
  vt_png *self = (vt_png *)calloc(1, sizeof(vt_png));
  if (!self) return NULL;
  self->owner = owner;
  self->write = write;
  self->png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, self, vt_png_on_error, vt_png_on_warning);
  self->info = self->png ? png_create_info_struct(self->png) : NULL;
  if (!self->info) {
    png_destroy_write_struct(&self->png, &self->info);
    free(self);
    return NULL;
  }
  png_set_write_fn(self->png, self, vt_png_on_write, vt_png_on_flush);
  // libpng's default limit of a million rows is meant for readers of strangers' files.
  png_set_user_limits(self->png, 0x7fffffff, 0x7fffffff);
  return self;
}

static inline void vt_png_writer_free(vt_png *self) {
  png_destroy_write_struct(&self->png, &self->info);
  free(self);
}

// The signature and header of a picture of 8-bit samples: 1 channel is grey, 2 grey and alpha,
// 3 RGB, 4 RGBA.
static inline int vt_png_writer_begin(
    vt_png *self, uint32_t width, uint32_t height, int channels) {
  static const int colours[] = {
      PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  if (setjmp(png_jmpbuf(self->png))) return -1;
  if (channels < 1 || channels > 4) png_error(self->png, "a picture has 1 to 4 channels");
  png_set_IHDR(
      self->png, self->info, width, height, 8, colours[channels - 1], PNG_INTERLACE_NONE,
      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(self->png, self->info);
  return 0;
}

static inline int vt_png_writer_row(vt_png *self, const uint8_t *row) {
  if (setjmp(png_jmpbuf(self->png))) return -1;
  png_write_row(self->png, row);
  return 0;
}

static inline int vt_png_writer_end(vt_png *self) {
  if (setjmp(png_jmpbuf(self->png))) return -1;
  png_write_end(self->png, NULL);
  return 0;
}

// Reading: create, begin, then `passes` times each row of the picture, end, free. A picture that
// is not interlaced has one pass; an interlaced one is whole only after its last, so its rows must
// be handed back as they were left by the pass before.

static inline vt_png *vt_png_reader_create(
    void *owner, vt_png_read_bytes read, uint32_t max_width, uint32_t max_height) {
  vt_png *self = (vt_png *)calloc(1, sizeof(vt_png));
  if (!self) return NULL;
  self->owner = owner;
  self->read = read;
  self->png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, self, vt_png_on_error, vt_png_on_warning);
  self->info = self->png ? png_create_info_struct(self->png) : NULL;
  if (!self->info) {
    png_destroy_read_struct(&self->png, &self->info, NULL);
    free(self);
    return NULL;
  }
  png_set_read_fn(self->png, self, vt_png_on_read);
  png_set_user_limits(self->png, max_width, max_height);
  // A wrong checksum is an error in any chunk, not only in those that hold the picture.
  png_set_crc_action(self->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_chunk_malloc_max(self->png, 1 << 20);
  png_set_chunk_cache_max(self->png, 64);
  return self;
}

static inline void vt_png_reader_free(vt_png *self) {
  png_destroy_read_struct(&self->png, &self->info, NULL);
  free(self);
}

// Reads the header and asks for 8-bit samples: palettes become RGB, transparency an alpha channel,
// 1, 2 and 4-bit greys are scaled up and 16-bit samples down.
static inline int vt_png_reader_begin(
    vt_png *self, uint32_t *width, uint32_t *height, int *channels, int *passes) {
  if (setjmp(png_jmpbuf(self->png))) return -1;
  png_read_info(self->png, self->info);
  png_set_expand(self->png);
  png_set_scale_16(self->png);
  *passes = png_set_interlace_handling(self->png);
  png_read_update_info(self->png, self->info);
  *width = png_get_image_width(self->png, self->info);
  *height = png_get_image_height(self->png, self->info);
  *channels = png_get_channels(self->png, self->info);
  return 0;
}

static inline int vt_png_reader_row(vt_png *self, uint8_t *row) {
  if (setjmp(png_jmpbuf(self->png))) return -1;
  png_read_row(self->png, row, NULL);
  return 0;
}

static inline int vt_png_reader_end(vt_png *self) {
  if (setjmp(png_jmpbuf(self->png))) return -1;
  png_read_end(self->png, NULL);
  return 0;
}

#endif
