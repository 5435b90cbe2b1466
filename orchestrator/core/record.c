/* record.c - records to and from their canonical line, and what their bodies must hold
 * (record.def). */
#include "core/record.h"

#include "base/planted.h"
#include "base/text.h"

#include <string.h>

const char *
record_type_name(enum record_type t)
{
	static const char *const names[] = {
#define RECORD_NAME(n) #n,
		RECORD_TYPES(RECORD_NAME)
#undef RECORD_NAME
	};

	return t < REC_N ? names[t] : "?";
}

struct field {
	enum record_type type;
	const char *name;
	enum json_type kind;
	bool must;
	const char *doc;
};

enum { MUST = 1, MAY = 0 };
static const struct field fields[] = {
#define FIELD(type, name, kind, presence, doc) { REC_##type, #name, JV_##kind, presence, doc },
#include "core/record.def"
#undef FIELD
};

static enum record_type
type_of(const char *name)
{
	for (int t = 0; t < REC_N; t++)
		if (text_eq(record_type_name((enum record_type)t), name))
			return (enum record_type)t;
	return REC_N;
}

static enum rc
body_check(const struct record *r, struct err *err)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		const struct json *v;

		if (fields[i].type != r->type)
			continue;
		v = json_get(r->body, fields[i].name);
		if (v == NULL && !fields[i].must)
			continue;
		if (v == NULL || v->type != fields[i].kind)
			return err_set(err, RC_CORRUPT, "%s: body has no proper \"%s\"",
				record_type_name(r->type), fields[i].name);
	}
	return RC_OK;
}

enum rc
record_read(struct arena *a, const char *text, size_t n, struct record *ret, struct err *err)
{
	size_t at = 0;
	const struct json *o = json_read(a, text, n, &at);
	const char *type = json_str(o, "type");

	memset(ret, 0, sizeof *ret);
	if (o == NULL || o->type != JV_OBJ)
		return arena_failed(a)
			       ? err_set(err, RC_NOMEM, "out of memory")
			       : err_set(err, RC_CORRUPT, "no record: byte %zu is not JSON", at);
	ret->v = (int)json_int(o, "v", 0);
	ret->type = type != NULL ? type_of(type) : REC_N;
	ret->seq = (uint64_t)json_int(o, "seq", 0);
	ret->lsn = (uint64_t)json_int(o, "lsn", 0);
	ret->era = (uint64_t)json_int(o, "era", 0);
	ret->epoch = (uint64_t)json_int(o, "epoch", 0);
	ret->boot_ms = json_int(o, "boot_ms", 0);
	ret->wall_ms = json_int(o, "wall_ms", 0);
	ret->boot_id = json_str(o, "boot_id");
	ret->run = json_str(o, "run");
	ret->prev = json_str(o, "prev");
	ret->body = json_get(o, "body");
	if (type == NULL || ret->seq == 0 || ret->boot_id == NULL || ret->run == NULL ||
		ret->prev == NULL || ret->body == NULL || ret->body->type != JV_OBJ)
		return err_set(err, RC_CORRUPT, "no record: a field of the header is missing");
	if (ret->v > RECORD_VERSION)
		return err_set(err, RC_UNSUPPORTED,
			"record %llu has version %d; this ferryman knows %d",
			(unsigned long long)ret->seq, ret->v, RECORD_VERSION);
	if (ret->type == REC_N)
		return err_set(err, RC_UNSUPPORTED,
			"record %llu has type %s, which this ferryman does not know",
			(unsigned long long)ret->seq, type);
	return body_check(ret, err);
}

void
record_write(struct buf *b, const struct record *r, const char *body)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_int(&w, "v", RECORD_VERSION);
	jw_str(&w, "type", record_type_name(r->type));
	jw_uint(&w, "seq", r->seq);
	jw_uint(&w, "lsn", r->lsn);
	jw_uint(&w, "era", r->era);
	jw_uint(&w, "epoch", r->epoch);
	jw_str(&w, "boot_id", r->boot_id);
	jw_int(&w, "boot_ms", r->boot_ms);
	jw_int(&w, "wall_ms", r->wall_ms);
	jw_str(&w, "run", r->run);
	if (!PLANTED(RECORD_SHORT) || r->lsn == 0)
		jw_str(&w, "prev", r->prev);
	jw_raw(&w, "body", body);
	jw_close(&w, '}');
}

void
record_doc(struct buf *b)
{
	buf_str(b, "# Records of the journal\n\nGenerated from `orchestrator/core/record.def` "
		   "(`make docs`). Header: `v type seq lsn era epoch boot_id boot_ms "
		   "wall_ms run prev body`;\n`prev` is the SHA-256 of the record before. `lsn` is "
		   "0 except for an INTENT.\n");
	for (int t = 0; t < REC_N; t++) {
		static const char *const kinds[] = { "null", "true or false", "integer", "text",
			"list", "object" };

		buf_fmt(b, "\n## %s\n\n| field | kind | meaning |\n|---|---|---|\n",
			record_type_name((enum record_type)t));
		for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
			if (fields[i].type == (enum record_type)t)
				buf_fmt(b, "| `%s` | %s%s | %s |\n", fields[i].name,
					kinds[fields[i].kind],
					fields[i].must ? "" : ", may be absent", fields[i].doc);
	}
}
