/* A kernel as it might stand in any C project, in single precision: each row of x is divided by its
   root mean square and multiplied by a gain. (Zhang and Sennrich, "Root Mean Square Layer
   Normalization", 2019, equation 4.)

   y[i][j] = gain[j] x[i][j] r[i]   with   r[i] = 1 / sqrt(mean of x[i][...]^2 + 1e-6) */
#include <math.h>

static float inverse_size(const float *row, int columns) {
  float squares = 0;
  for (int j = 0; j < columns; ++j) squares += row[j] * row[j];
  return 1 / sqrtf(squares / (float)columns + 1e-6f);
}

void rms_norm_forward(const float *x, const float *gain, float *y, int rows, int columns) {
  for (int i = 0; i < rows; ++i, x += columns, y += columns) {
    const float r = inverse_size(x, columns);
    for (int j = 0; j < columns; ++j) y[j] = gain[j] * x[j] * r;
  }
}

/* dx[i][j] = r[i] (gain[j] dy[i][j] - x[i][j] r[i]^2 mean of (gain dy x)[i][...])
   dgain[j] = sum over i of dy[i][j] x[i][j] r[i] */
void rms_norm_backward(const float *x, const float *gain, const float *dy, float *dx, float *dgain,
                       int rows, int columns) {
  for (int j = 0; j < columns; ++j) dgain[j] = 0;
  for (int i = 0; i < rows; ++i, x += columns, dy += columns, dx += columns) {
    const float r = inverse_size(x, columns);
    float mean = 0;
    for (int j = 0; j < columns; ++j) mean += gain[j] * dy[j] * x[j] / (float)columns;
    for (int j = 0; j < columns; ++j) {
      dx[j] = r * (gain[j] * dy[j] - x[j] * r * r * mean);
      dgain[j] += dy[j] * x[j] * r;
    }
  }
}
