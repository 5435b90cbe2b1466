/* letter.c - composing canaries and reading their headers and bounces. Text in, text out. */
#include "base/text.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "signal/letter.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
letter_token(char out[LETTER_TOKEN])
{
	uint8_t r[16];

	digest_random(r, sizeof r);
	text_hex(r, sizeof r, out);
}

bool
letter_address(const char *pattern, const char *token, char *out, size_t n)
{
	const char *at = strchr(pattern, '%');
	int len;

	if (at == NULL)
		len = snprintf(out, n, "%s", pattern);
	else /* 12 digits are fresh enough, and a local part may have 64 octets (RFC 5321 4.5.3.1.1)
	      */
		len = snprintf(out, n, "%.*s%.12s%s", (int)(at - pattern), pattern, token, at + 1);
	return len > 0 && (size_t)len < n;
}

void
letter_write(struct buf *b, const char *from, const char *to, const char *token, int64_t wall_ms)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	const char *domain = strchr(from, '@');
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	buf_fmt(b, "From: <%s>\nTo: <%s>\nSubject: mail path check %s\n", from, to, token);
	buf_fmt(b, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\n", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	buf_fmt(b, "Message-ID: <%s@%s>\n" LETTER_HEADER ": %s\n", token,
		domain != NULL ? domain + 1 : from, token);
	/* RFC 3834: no answering machine is to answer it. */
	buf_str(b, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; "
		   "charset=us-ascii\n\n");
	buf_fmt(b,
		"This message checks that mail from %s arrives. A program reads and deletes it;\n"
		"nobody needs to answer. Its mark is %s.\n",
		domain != NULL ? domain + 1 : from, token);
}

/* --- header fields --- */

/*
 * The next field with this name, unfolded into out (cut at n). *at moves behind it; false at the
 * end of the header. Both CRLF and LF are taken.
 */
static bool
next_field(const char **at, const char *name, char *out, size_t n)
{
	size_t name_n = strlen(name), len = 0;
	const char *p = *at;

	while (*p != '\0' && *p != '\n' && !(*p == '\r' && p[1] == '\n')) {
		bool ours = strncasecmp(p, name, name_n) == 0 && p[name_n] == ':';

		if (ours)
			p += name_n + 1;
		do { /* the line and its folded continuations */
			for (; *p != '\0' && *p != '\n'; p++)
				if (ours && *p != '\r' && len + 1 < n)
					out[len++] = *p == '\t' ? ' ' : *p;
			if (*p == '\n')
				p++;
		} while (*p == ' ' || *p == '\t');
		if (ours) {
			out[len] = '\0';
			*at = p;
			return true;
		}
	}
	*at = p;
	return false;
}

/* Words of an address end at anything that can not be part of one. */
static bool
address_char(char c)
{
	return isxdigit((unsigned char)c) || c == '.' || c == ':';
}

static bool
take_address(const char *p, size_t len, char *out, size_t n)
{
	unsigned char any[16];
	char text[64];

	if (len < 2 || len >= sizeof text)
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, any) != 1 && inet_pton(AF_INET6, text, any) != 1)
		return false;
	(void)snprintf(out, n, "%s", text);
	return true;
}

/* The first address at or behind *at, *at moved behind it. */
static bool
next_address(const char **at, char *out, size_t n)
{
	const char *p = *at;

	while (*p != '\0') {
		size_t len = 0;
		bool starts = p == *at ||
			      !(isalnum((unsigned char)p[-1]) || p[-1] == '.' || p[-1] == '-' ||
				      p[-1] == ':') ||
			      (p - *at >= 5 && strncasecmp(p - 5, "IPv6:", 5) == 0);

		while (address_char(p[len]))
			len++;
		while (len > 0 &&
			(p[len - 1] == '.' || p[len - 1] == ':')) /* the end of a sentence */
			len--;
		if (starts && len > 0 && !isalnum((unsigned char)p[len]) && p[len] != '-' &&
			take_address(p, len, out, n)) {
			*at = p + len;
			return true;
		}
		p++;
	}
	*at = p;
	return false;
}

bool
letter_named(const char *text, char *out, size_t n)
{
	const char *at = text;

	return next_address(&at, out, n);
}

/* Private, loopback, link-local: hops inside somebody's house (RFC 1918, RFC 4193, RFC 4291). */
static bool
inside(const char *addr)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, addr, a) == 1)
		return a[0] == 127 || a[0] == 10 || a[0] == 0 ||
		       (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
		       (a[0] == 169 && a[1] == 254) || (a[0] == 100 && (a[1] & 0xc0) == 64);
	if (inet_pton(AF_INET6, addr, a) != 1)
		return true;
	/* 2002:a00::/24 is 10/8 inside 6to4: a large receiver's own hops look so. */
	return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) ||
	       (a[0] == 0x20 && a[1] == 0x02 && a[2] == 10) ||
	       memcmp(a, (const unsigned char[16]){ [15] = 1 }, 16) == 0;
}

/* "from NAME (... [ADDR]) by HOST ...": the address of the from part. */
static bool
received_from(const char *field, struct letter_arrival *ret)
{
	const char *by = strstr(field, " by "), *at;
	char from[1024], addr[64];

	if (by == NULL)
		return false;
	(void)snprintf(
		from, sizeof from, "%.*s", (int)(by - field < 1000 ? by - field : 1000), field);
	at = strchr(from, '('); /* what stands before is only what the client said */
	if (at == NULL)
		at = strchr(from, '[');
	while (at != NULL && next_address(&at, addr, sizeof addr)) {
		if (inside(addr))
			continue;
		(void)snprintf(ret->egress, sizeof ret->egress, "%s", addr);
		(void)snprintf(
			ret->by, sizeof ret->by, "%.*s", (int)strcspn(by + 4, " ;("), by + 4);
		return true;
	}
	return false;
}

/* --- Authentication-Results (RFC 8601) --- */

/* The value of "key=" in one result, without quotes. */
static void
property(const char *result, const char *key, char *out, size_t n)
{
	const char *at = result;
	size_t k = strlen(key), len;

	while ((at = strcasestr(at, key)) != NULL) {
		if ((at == result || strchr(" ;(", at[-1]) != NULL) && at[k] == '=')
			break;
		at += k;
	}
	if (at == NULL)
		return;
	at += k + 1;
	at += *at == '"';
	len = strcspn(at, " ;()\"\r\n");
	(void)snprintf(out, n, "%.*s", (int)(len < n ? len : n - 1), at);
	for (char *c = out; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
}

/* Comments are dropped: "(p=reject dis=none)" holds words that look like results. */
static void
drop_comments(char *s)
{
	char *out = s;
	int depth = 0;

	for (; *s != '\0'; s++) {
		depth += *s == '(';
		if (depth == 0)
			*out++ = *s;
		depth -= *s == ')' && depth > 0;
	}
	*out = '\0';
}

static void
auth_result(struct letter_arrival *ret, const char *result)
{
	result += strspn(result, " ");
	if (strncasecmp(result, "dmarc=", 6) == 0 && ret->dmarc[0] == '\0') {
		property(result, "dmarc", ret->dmarc, sizeof ret->dmarc);
		property(result, "header.from", ret->dmarc_from, sizeof ret->dmarc_from);
	} else if (strncasecmp(result, "dkim=", 5) == 0 && strcmp(ret->dkim, "pass") != 0) {
		property(result, "dkim", ret->dkim,
			sizeof ret->dkim); /* several signatures: one that passes is enough */
		property(result, "header.d", ret->dkim_domain, sizeof ret->dkim_domain);
	} else if (strncasecmp(result, "spf=", 4) == 0 && ret->spf[0] == '\0') {
		property(result, "spf", ret->spf, sizeof ret->spf);
		property(result, "smtp.mailfrom", ret->spf_domain, sizeof ret->spf_domain);
	}
}

static void
auth_field(struct letter_arrival *ret, char *field, const char *authserv)
{
	char *at = field + strspn(field, " ");
	size_t id;

	drop_comments(at);
	id = strcspn(at, " ;");
	if (authserv != NULL && (strlen(authserv) != id || strncasecmp(at, authserv, id) != 0))
		return;
	ret->authserv_seen = true;
	for (at = strchr(at, ';'); at != NULL; at = strchr(at, ';'))
		auth_result(ret, ++at);
}

void
letter_arrival_read(struct letter_arrival *ret, const char *header, const char *authserv)
{
	char field[4096];
	const char *at = header;

	*ret = (struct letter_arrival){ 0 };
	while (next_field(&at, "Authentication-Results", field, sizeof field))
		auth_field(ret, field, authserv);
	at = header;
	while (next_field(&at, "Received", field, sizeof field))
		if (received_from(field, ret))
			break;
}

/* --- bounces --- */

/* Behind the next blank line, and others that follow it; NULL at the end. Whatever comes is looked
 * at once. */
static const char *
next_part(const char *p)
{
	for (p = strchr(p, '\n'); p != NULL; p = strchr(p, '\n')) {
		p++;
		if (*p != '\n' && !(*p == '\r' && p[1] == '\n'))
			continue;
		return p + strspn(p, "\r\n");
	}
	return NULL;
}

/* The part in which `name` is a field, e.g. the per-recipient part of a report. */
static bool
field_anywhere(const char *message, const char *name, char *out, size_t n)
{
	for (const char *part = message; part != NULL; part = next_part(part)) {
		const char *at = part;

		if (next_field(&at, name, out, n))
			return true;
	}
	return false;
}

static void
squeeze(const char *from, char *out, size_t n)
{
	size_t len = 0;

	for (from += strspn(from, " "); *from != '\0' && len + 1 < n; from++)
		if (*from != ' ' || (len > 0 && out[len - 1] != ' '))
			out[len++] = (unsigned char)*from < ' ' || *from == 0x7f ? '?' : *from;
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

void
letter_bounce_read(struct letter_bounce *ret, const char *message)
{
	char field[2048];
	const char *semicolon;

	*ret = (struct letter_bounce){ 0 };
	if (field_anywhere(message, "Status", field, sizeof field))
		squeeze(field, ret->status, sizeof ret->status);
	if (field_anywhere(message, "Action", field, sizeof field)) {
		squeeze(field, field, sizeof field);
		ret->failed = text_eq_nocase(field, "failed");
	} else {
		ret->failed = ret->status[0] == '\0' || ret->status[0] == '5';
	}
	if (field_anywhere(message, "Remote-MTA", field, sizeof field)) {
		semicolon = strchr(field, ';'); /* "dns; mx.example" */
		squeeze(semicolon != NULL ? semicolon + 1 : field, ret->remote, sizeof ret->remote);
	}
	if (field_anywhere(message, "Diagnostic-Code", field, sizeof field)) {
		semicolon = strchr(field, ';'); /* "smtp; 554 5.7.1 ..." */
		squeeze(semicolon != NULL ? semicolon + 1 : field, ret->diagnostic,
			sizeof ret->diagnostic);
	} else {
		(void)snprintf(ret->diagnostic, sizeof ret->diagnostic, "%s", ret->status);
	}
}
