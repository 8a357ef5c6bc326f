/* What one core of this machine can do at most: operations a second in multiply-adds, seconds for a
   division, bytes a second for 320 kB, 8 MB and 320 MB; double precision, as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef double lanes __attribute__((vector_size(64)));
enum { CHAINS = 12, LANES = 8 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static double least(double a, double b) { return a < b ? a : b; }

static double multiply_add(long rounds)
{
    lanes x[CHAINS], a = {0}, b = {0};
    for (int c = 0; c < CHAINS; c++) x[c] = a + c;
    a += 0.999999, b += 1e-6;
    double start = now();
    for (long k = 0; k < rounds; k++)
        for (int c = 0; c < CHAINS; c++) x[c] = x[c] * a + b;
    double seconds = now() - start;
    for (int c = 0; c < CHAINS; c++) __asm__ volatile("" ::"v"(x[c]));
    return seconds / (rounds * CHAINS * LANES);
}

static double divide(long rounds)
{
    lanes x[CHAINS], one = {0};
    one += 1.0;
    for (int c = 0; c < CHAINS; c++) x[c] = one + c;
    double start = now();
    for (long k = 0; k < rounds; k++)
        for (int c = 0; c < CHAINS; c++) x[c] = one / x[c];
    double seconds = now() - start;
    for (int c = 0; c < CHAINS; c++) __asm__ volatile("" ::"v"(x[c]));
    return seconds / (rounds * CHAINS * LANES);
}

/* y += x over n numbers: 24 bytes moved a number */
static double stream(long n, long rounds)
{
    double *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    for (long i = 0; i < n; i++) x[i] = y[i] = i;
    double start = now();
    for (long k = 0; k < rounds; k++) {
        for (long i = 0; i < n; i++) y[i] += x[i];
        __asm__ volatile("" ::"r"(y) : "memory");
    }
    double seconds = now() - start;
    free(x), free(y);
    return seconds / (rounds * n);
}

int main(void)
{
    double fma = 1, quotient = 1, near = 1, middle = 1, far = 1;
    for (int k = 0; k < 7; k++) {
        fma = least(fma, multiply_add(1000000));
        quotient = least(quotient, divide(200000));
        near = least(near, stream(20000, 3000));
        middle = least(middle, stream(500000, 100));
        far = least(far, stream(20000000, 1));
    }
    printf("{\"flops\": %.4g, \"division\": %.4g, \"near\": %.4g, \"middle\": %.4g, \"far\": %.4g}\n",
           2 / fma, quotient, 24 / near, 24 / middle, 24 / far);
}
