/* certs.h - a throw-away CA and a server certificate for loopback tests: fresh keys at each run,
 * never in the tree. */
#ifndef FERRYMAN_TESTS_CERTS_H
#define FERRYMAN_TESTS_CERTS_H

#include <stdbool.h>

/*
 * certs_make - dir gets ca.pem, cert.pem and key.pem; the certificate carries the names localhost,
 * 127.0.0.1 and mx.fake.example. False on any failure.
 */
bool certs_make(const char *dir);

#endif
