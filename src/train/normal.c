/* Wichura's algorithm AS 241, which is good to about 16 digits: three quotients of polynomials.
 * Compiled without contraction and with a logarithm of its own: the same bits everywhere. */
#include "train/normal.h"

#include <math.h>
#include <string.h>

enum { DEGREE = 7 };

/* A quotient of polynomials, coefficients from the lowest power on. */
typedef struct quotient {
  double above[DEGREE + 1], below[DEGREE + 1];
} quotient;

/* In .180625 - q^2 for |q| <= .425; times q. */
static const quotient MIDDLE = {
    {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
     1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
     3.3430575583588128105e+4, 2.5090809287301226727e+3},
    {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
     2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
     5.2264952788528545610e+3}};

/* In r - 1.6, r = sqrt(-log of the tail's probability) <= 5. */
static const quotient TAIL = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9}};

/* In r - 5 beyond. */
static const quotient FAR_TAIL = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15}};

static double divide(const quotient *q, double x)
{
  double above = q->above[DEGREE], below = q->below[DEGREE];
  for (int i = DEGREE - 1; i >= 0; --i) {
    above = above * x + q->above[i];
    below = below * x + q->below[i];
  }
  return above / below;
}

/* log(x) of a normal number: x = 2^e m with sqrt(1/2) <= m < sqrt(2), and with s = (m - 1)/(m + 1)
 * log m = 2 (s + s^3/3 + s^5/5 + ...). As s^2 < 0.03, the first term left out is below 2^-60. */
static double logarithm(double x)
{
  static const double log2 = 0x1.62e42fefa39efp-1;
  const uint64_t one = 0x3ff0000000000000u, root_half = 0x3fe6a09e667f3bcdu;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint64_t shifted = bits + (one - root_half);
  const int64_t exponent = (int64_t)(shifted >> 52) - 1023;
  bits = (shifted & 0x000fffffffffffffu) + root_half;
  double m;
  memcpy(&m, &bits, sizeof m);
  const double s = (m - 1.0) / (m + 1.0), square = s * s;
  double sum = 0.0;
  for (int power = 23; power >= 3; power -= 2)
    sum = (sum + 1.0 / power) * square;
  return (double)exponent * log2 + 2.0 * (s + s * sum);
}

double bc_normal_quantile(double centred)
{
  const double distance = fabs(centred);
  if (distance <= 0.425)
    return centred * divide(&MIDDLE, 0.180625 - centred * centred);
  const double r = sqrt(-logarithm(0.5 - distance));
  const double value = r <= 5.0 ? divide(&TAIL, r - 1.6) : divide(&FAR_TAIL, r - 5.0);
  return centred < 0.0 ? -value : value;
}
