#pragma once
#include <stddef.h>
#include <stdint.h>

#include "vt_convert.h"

/// Rows of logits [rows × classes] become probabilities, in place. Where `label` is not null,
/// loss[r] = −ln p[label[r]], in nats. Logits that are not finite give NaN.
void vt_softmax(float *restrict x, double *restrict loss, const uint32_t *restrict label,
                size_t rows, size_t classes);

/// delta[r][k] = (p[r][k] − [k = label[r]])·scale: the gradient of the loss by the logits, times
/// scale. `bf16` says whether delta is vt_bf16 or float.
void vt_softmax_delta(void *restrict delta, int bf16, const float *restrict p,
                      const uint32_t *restrict label, size_t rows, size_t classes, float scale);
