/*
 * action.h - everything that the core can ask for. Strings live until the next call of core_step.
 *
 * Laws (DESIGN section 3): each op completes exactly once, in a later event, never inside the call,
 * also after ACT_CANCEL. (Bodies of ACT_REPLY and ACT_STATUS: docs/CONTROL.md.) One ACT_APPEND is
 * outstanding at most. ACT_EFFECT comes only from the step that receives EV_APPENDED for its
 * INTENT.
 */
#ifndef FERRYMAN_CORE_ACTION_H
#define FERRYMAN_CORE_ACTION_H

#include "core/event.h"

enum action_type {
	ACT_PROBE,
	ACT_READ,
	ACT_APPEND,
	ACT_EFFECT,
	ACT_CANCEL,
	ACT_NOTIFY,
	ACT_REPLY,
	ACT_STATUS,
	ACT_HALT,
	ACT_N
};

enum read_from { READ_TARGET, READ_AUTHORITIES, READ_RESOLVERS };
enum effect_dir { DIR_DO, DIR_UNDO, DIR_FENCE };
enum severity { SEV_INFO, SEV_WARNING, SEV_ALARM };
const char *effect_dir_name(enum effect_dir d); /* "do" "undo" "fence" */
const char *severity_name(enum severity s);

struct action {
	enum action_type type;
	op_id op;
	union {
		struct {
			const char *playbook, *signal, *subject;
			const char *through; /* verify: path the canary must take; NULL = the
						signal's own */
			bool production;     /* verify: submitted as production mail */
			int64_t deadline_ms; /* how long from now */
		} probe;
		struct {
			const char *playbook, *target, *resource;
			enum read_from from;
			int64_t deadline_ms;
		} read;
		struct {
			uint64_t expect_epoch, expect_seq;
			const char *expect_hash;
			const char *const *records; /* canonical JSON bodies with header, without
						       hash chain; record.h */
			size_t records_n;
		} append;
		struct {
			const char *playbook, *run, *step;
			enum effect_dir dir;
			const char *target, *resource;
			const char *base, *version,
				*want; /* values; base = what must be there now */
			uint64_t lsn;
			const char *seen_store; /* marker as read; NULL = none there */
			uint64_t seen_lsn;	/* 0 = none there */
			const char *options; /* canonical lines "rate 10/1000", "expires 14400000":
						from the step */
			int64_t deadline_ms;
		} effect;
		struct {
			const char *playbook; /* whose notifiers; NULL, or none of that name:
						 everybody's */
			const char *to;	      /* notifier's name; NULL = all */
			enum severity severity;
			const char *text;
			const char *head; /* chain head to anchor */
		} notify;
		struct {
			const char *req;
			int exit;	  /* DESIGN section 9 exit codes */
			const char *body; /* JSON */
			bool last;
		} reply;
		struct {
			const char *topic; /* "run" "machine" "signal" ...: live progress for
					      whoever watches */
			const char *body;  /* JSON */
		} status;
		struct {
			const char *why;
			bool clean; /* true after EV_STOP or the end of a one-shot */
			int exit;
		} halt;
	};
};

#endif
