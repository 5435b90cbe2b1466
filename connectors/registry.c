/* registry.c - the list of connectors. Adding one is a line here, its folder and its page. */
#include "base/text.h"
#include "connector.h"

#include <stddef.h>

extern const struct connector canary_connector;
extern const struct connector dnsbl_connector;
extern const struct connector smtp_connector;
extern const struct connector tcp_connector;
extern const struct connector postfix_connector;
extern const struct connector rfc2136_connector;
extern const struct connector exchange_online_connector;
extern const struct connector program_connector;

const struct connector *const registry[] = {
	/* signals */
	&dnsbl_connector,
	&smtp_connector,
	&canary_connector,
	&tcp_connector,
	/* targets */
	&rfc2136_connector,
	&postfix_connector,
	&exchange_online_connector,
	/* notifiers */
	&program_connector,
	NULL,
};

enum { REGISTRY_N = sizeof registry / sizeof registry[0] };

const struct connector *
registry_find(const char *name)
{
	for (size_t i = 0; registry[i] != NULL; i++)
		if (text_eq(registry[i]->info.name, name))
			return registry[i];
	return NULL;
}

const struct conninfo *const *
registry_infos(void)
{
	/* Filled at the first call, always with the same values. */
	static const struct conninfo *infos[REGISTRY_N];

	for (size_t i = 0; registry[i] != NULL; i++)
		infos[i] = &registry[i]->info;
	return infos;
}
