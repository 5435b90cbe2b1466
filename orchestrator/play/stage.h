/*
 * stage.h - a company on virtual time: the production core, told what a written incident says
 * (config/incfile.h). Its journal is kept in memory, its targets are well-behaved and on the
 * primary path when it begins, its clock goes from one event to the next. Nothing is read, sent or
 * waited for.
 */
#ifndef FERRYMAN_PLAY_STAGE_H
#define FERRYMAN_PLAY_STAGE_H

#include "base/err.h"
#include "config/incfile.h"
#include "core/core.h"
#include "play/holds.h"

/* A signal of the playbook that speaks as another kind, or for another role, than its own row says.
 */
struct stage_map {
	const char *signal, *kind; /* kind NULL: its own */
	bool role_given;
	enum inc_role role;
	int64_t n;
};

struct stage_opts {
	struct playbook *pb; /* borrowed */
	const struct incfile *inc;
	const struct stage_map *map;
	size_t maps_n;
	int64_t approve_ms; /* so long after being asked the people who may approve do; -1: nobody
			       answers */
	struct mem mem;
	void (*sha256)(void *ctx, const void *p, size_t n, char out[65]);
	bool (*in_window)(void *ctx, const struct window *w, size_t n, int64_t wall_ms);
};

struct stage;

/* stage_play - from a little before the incident's beginning to the end of what it tells. NULL when
 * memory runs out, or the core halts: err says why. */
struct stage *stage_play(const struct stage_opts *o, struct err *err);
void stage_free(struct stage **s);

size_t stage_holds(
	const struct stage *s, const struct hold **ret); /* what held a flow back, and when */
size_t stage_records(const struct stage *s);
const char *stage_record(const struct stage *s, size_t i); /* as it would stand in the journal */
uint64_t stage_events(const struct stage *s);		   /* that the core was told */

/* stage_role - for whom a signal speaks. */
enum inc_role stage_role(const struct stage_opts *o, const struct signal *s, int64_t *ret_n);
/* stage_listens - whether that line is about that subject of that signal, at whatever time. */
bool stage_listens(const struct stage_opts *o, const struct inc_line *l, const struct signal *s,
	const struct subject *sub);
/* stage_backup - where a cut-over of that flow would take the mail; NULL = nowhere. */
const struct path *stage_backup(const struct playbook *pb, enum flow f);

#endif
