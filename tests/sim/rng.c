/* rng.c - xoshiro256** (Blackman and Vigna, public domain), seeded by splitmix64 over seed and
 * FNV-1a of a name. */
#include "sim/sim.h"

static uint64_t
splitmix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void
rng_seed(struct rng *r, uint64_t seed, const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	h ^= seed * 0x9e3779b97f4a7c15u;
	r->least = false;
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(&h);
}

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t *s = r->s, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	if (r->least)
		return 0;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

/* The bias of a remainder is below 2^-40 for every n that we use; the same on every machine is what
 * counts. */
uint64_t
rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

int64_t
rng_between(struct rng *r, int64_t low, int64_t high)
{
	return low + (int64_t)rng_below(r, (uint64_t)(high - low) + 1);
}

bool
rng_ratio(struct rng *r, unsigned num, unsigned den)
{
	return rng_below(r, den) < num;
}
