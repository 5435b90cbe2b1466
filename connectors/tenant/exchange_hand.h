/*
 * exchange_hand.h - Exchange Online without ferryman: values of tenant.connector as PowerShell, and
 * the set-up.
 */
#ifndef FERRYMAN_TENANT_EXCHANGE_HAND_H
#define FERRYMAN_TENANT_EXCHANGE_HAND_H

#include "connector.h"

/* exchange_hand_value_ok - "" or "enabled\n" and then "except ADDRESS\n" lines in order, each once.
 */
bool exchange_hand_value_ok(const char *value);

/* Slots by_hand and setup of struct connector. */
void exchange_hand_put(const struct cfg *cfg, const struct effect *e, struct buf *b);
void exchange_hand_setup(const struct cfg *cfg, const char *playbook, struct buf *b);

#endif
