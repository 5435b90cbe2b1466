/*
 * schema.h - one row for each key of a playbook or of a connector's configuration.
 *
 * The same row feeds the parser, the checks, the defaults, `ferryman check --schema` and
 * docs/PLAYBOOK.md. A table ends with a row whose key is NULL.
 */
#ifndef FERRYMAN_BASE_SCHEMA_H
#define FERRYMAN_BASE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

enum vtype {
	V_STR,	    /* any text without control characters, at most 1024 bytes */
	V_NAME,	    /* [a-z][a-z0-9-]{0,62}: names people give to targets, paths, signals ... */
	V_REF,	    /* a V_NAME that must exist in the section named by `words` ("targets", "paths",
		       "groups" ...) */
	V_DOMAIN,   /* a DNS name, lower-cased, no final dot (RFC 1035 2.3.4 sizes) */
	V_ADDR,	    /* IPv4 or IPv6 address */
	V_HOST,	    /* V_DOMAIN or V_ADDR */
	V_HOSTPORT, /* "host:port" or "[host]:port" */
	V_MAILBOX,  /* local@domain */
	V_URL,	    /* https://... (http:// only to loopback) */
	V_INT,	    /* decimal */
	V_BOOL,	    /* true | false, nothing else */
	V_DURATION, /* int64 milliseconds (num_duration) */
	V_PERCENT,  /* int64 hundredths of a percent (num_percent) */
	V_RATE,	    /* struct rate (num_rate) */
	V_NOFM,	    /* "3 of 5" (num_n_of_m); int64 n<<32|m */
	V_ENUM,	    /* one of the words in `words`, separated by '|'; int64 index */
	V_SECRET,   /* {file: F} {env: E} {credential: C}: a reference; never the secret itself */
	V_MAP,	    /* a mapping with the rows in `sub` */
	V_TABLE,    /* a mapping of V_NAME -> mapping with the rows in `sub` (user-named entries) */
	V_ANYMAP,   /* a mapping that a hook of the reader takes apart (steps) */
	V_N
};

enum {
	SR_REQUIRED = 1u << 0,
	SR_LIST = 1u << 1,    /* a sequence of the type; a single value is not taken for a list */
	SR_UNBUILT = 1u << 2, /* known to the design, not built yet: refused as such */
	SR_PUBLIC_FILE = 1u << 3, /* V_SECRET whose content is public (a CA, a host key): no mode
				     check, or the text itself in place */
};

struct schema_row {
	const char *key;
	enum vtype type;
	unsigned flags;
	const char *def; /* default, as a person would write it; NULL = none */
	const char *min; /* same notation, inclusive; NULL = none */
	const char *max;
	const char *words;	      /* V_ENUM: "a|b|c"; V_REF: section */
	const struct schema_row *sub; /* V_MAP, V_TABLE */
	const char *doc; /* one or two sentences for the manual; a default chosen for a reason says
			    the reason */
};

/* Where something stood in a playbook: 1-based. */
struct place {
	int line, col;
};

/*
 * struct cfg - a checked mapping: every key is known, typed, in range, defaults filled in.
 * Read-only; it lives in the playbook's arena. The getters assert that the key is in the table with
 * that type (a bug of ours, not of the user's). Absent optional keys: NULL, 0 or the given default.
 */
struct cfg;
struct rate;
struct secret_ref {
	enum {
		SECRET_NONE,
		SECRET_FILE,
		SECRET_ENV,
		SECRET_CREDENTIAL,
		SECRET_INLINE
	} kind;		  /* INLINE only with SR_PUBLIC_FILE */
	const char *name; /* file name, variable, credential, or the text itself */
};
int cfg_has(const struct cfg *c, const char *key);
const char *cfg_str(const struct cfg *c, const char *key); /* all textual types */
int64_t cfg_int(const struct cfg *c, const char *key);	   /* INT BOOL DURATION PERCENT NOFM ENUM */
struct rate cfg_rate(const struct cfg *c, const char *key);
struct secret_ref cfg_secret(const struct cfg *c, const char *key);
const struct cfg *cfg_map(const struct cfg *c, const char *key);
size_t cfg_len(const struct cfg *c, const char *key); /* entries of an SR_LIST or V_TABLE */
const char *cfg_str_at(const struct cfg *c, const char *key, size_t i);
int64_t cfg_int_at(const struct cfg *c, const char *key, size_t i);
const struct cfg *cfg_map_at(const struct cfg *c, const char *key, size_t i);
const char *cfg_name_at(
	const struct cfg *c, const char *key, size_t i);      /* V_TABLE: the entry's name */
struct place cfg_place(const struct cfg *c, const char *key); /* key NULL: of the mapping itself */
const struct schema_row *cfg_row(
	const struct cfg *c, const char *key); /* NULL if the table has no such key */

#endif
