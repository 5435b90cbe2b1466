/* test_os.c - digests, secrets and clocks. */
#include "lib/check.h"
#include "os/clock.h"
#include "os/digest.h"
#include "os/secret.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/ferryman-test-XXXXXX";

static void
put(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL)
		abort();
	(void)fputs(text, f);
	(void)fclose(f);
	(void)chmod(path, mode);
}

static void
sha256_matches_the_standard(void)
{
	char hex[65];

	digest_sha256(NULL, "abc", 3, hex); /* FIPS 180-2, appendix B.1 */
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256(NULL, "", 0, hex);
	CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
a_secret_file_must_be_private(void)
{
	struct secret_ref ref = { .kind = SECRET_FILE, .name = "key" };
	struct secret *s = NULL;
	struct err err = { 0 };

	put("key", "geheim\n", 0600);
	CHECK(secret_fetch(&s, ref, dir, 0, &err) == RC_OK);
	CHECK(s != NULL && secret_len(s) == 6);
	CHECK_STR(s != NULL ? secret_reveal(s) : NULL, "geheim");
	secret_free(&s);
	CHECK(s == NULL);
	put("key", "geheim\n", 0644);
	CHECK(secret_fetch(&s, ref, dir, 0, &err) == RC_DENIED);
	CHECK(s == NULL && strstr(err.text, "key") != NULL && strstr(err.text, "geheim") == NULL);
	CHECK(secret_fetch(&s, ref, dir, 1, &err) == RC_OK); /* a public one: a CA, a host key */
	secret_free(&s);
}

static void
a_secret_that_is_not_there_is_named(void)
{
	struct secret *s = NULL;
	struct err err = { 0 };

	CHECK(secret_fetch(&s, (struct secret_ref){ .kind = SECRET_FILE, .name = "absent" }, dir, 0,
		      &err) == RC_NOTFOUND);
	CHECK(strstr(err.text, "absent") != NULL);
	CHECK(secret_fetch(&s,
		      (struct secret_ref){ .kind = SECRET_ENV, .name = "FERRYMAN_NO_SUCH" }, dir, 0,
		      &err) != RC_OK);
	CHECK(strstr(err.text, "FERRYMAN_NO_SUCH") != NULL);
	CHECK(secret_fetch(&s, (struct secret_ref){ .kind = SECRET_FILE, .name = "../etc/passwd" },
		      dir, 0, &err) != RC_OK);
	CHECK(s == NULL);
}

static void
clocks_run(void)
{
	int64_t a = clock_boot_ms(), b = clock_boot_ms();
	char id[40];

	CHECK(b >= a && a > 0);
	CHECK(clock_wall_ms() > 1700000000000);
	clock_boot_id(id);
	CHECK(strlen(id) == 36 || strcmp(id, "unknown") == 0);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	digest_warm();
	TEST(sha256_matches_the_standard);
	TEST(a_secret_file_must_be_private);
	TEST(a_secret_that_is_not_there_is_named);
	TEST(clocks_run);
	char path[256];
	(void)snprintf(path, sizeof path, "%s/key", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	return check_end();
}
