/*
 * fake_cfg.c - a target's configuration without a playbook, for fuzz targets of connectors: every
 * text has a value, every list is empty.
 */
#include "base/schema.h"

#include <string.h>

const char *
cfg_str(const struct cfg *c, const char *key)
{
	(void)c;
	if (strcmp(key, "smart_host") == 0)
		return "relay.nsmail.example";
	return strcmp(key, "tenant") == 0	    ? "corp.example"
	       : strcmp(key, "connector_name") == 0 ? "ferryman-nsmail"
						    : "https://tenant.example";
}

int
cfg_has(const struct cfg *c, const char *key)
{
	(void)c;
	(void)key;
	return 0;
}

size_t
cfg_len(const struct cfg *c, const char *key)
{
	(void)c;
	(void)key;
	return 0;
}

const struct cfg *
cfg_map_at(const struct cfg *c, const char *key, size_t i)
{
	(void)key;
	(void)i;
	return c;
}

const char *
cfg_str_at(const struct cfg *c, const char *key, size_t i)
{
	(void)i;
	return cfg_str(c, key);
}

int64_t
cfg_int(const struct cfg *c, const char *key)
{
	(void)c;
	(void)key;
	return 0;
}

int64_t
cfg_int_at(const struct cfg *c, const char *key, size_t i)
{
	(void)i;
	return cfg_int(c, key);
}

struct secret_ref
cfg_secret(const struct cfg *c, const char *key)
{
	(void)c;
	(void)key;
	return (struct secret_ref){ SECRET_NONE, NULL };
}
