/*
 * exchange_hand.c - what a person types instead of ferryman, and once before it: Exchange Online
 * PowerShell, the way that Microsoft supports.
 */
#include "tenant/exchange_hand.h"
#include "base/text.h"
#include "ops.h"
#include "os/stdmem.h"

#include <string.h>

enum { SCRIPT_MAX = 65536 };

/* "" or "enabled\n" and sorted "except ADDRESS\n" lines. */
bool
exchange_hand_value_ok(const char *v)
{
	const char *line, *before = "";
	size_t n, before_n = 0;

	if (*v == '\0')
		return true;
	if (!text_ends(v, "\n") || !text_line(&v, &line, &n) || n != 7 ||
		strncmp(line, "enabled", 7) != 0)
		return false;
	while (text_line(&v, &line, &n)) {
		if (n < 10 || strncmp(line, "except ", 7) != 0 || memchr(line, '@', n) == NULL ||
			memchr(line + 7, ' ', n - 7) != NULL)
			return false;
		int order = memcmp(line, before, n < before_n ? n : before_n);
		if (order < 0 || (order == 0 && n <= before_n))
			return false;
		before = line;
		before_n = n;
	}
	return true;
}

/* A single-quoted PowerShell string. */
static void
quote_put(struct buf *b, const char *s, size_t n)
{
	buf_char(b, '\'');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\'')
			buf_char(b, '\'');
		buf_char(b, s[i]);
	}
	buf_char(b, '\'');
}

static void
command_put(struct buf *b, const char *cmdlet, const char *rule)
{
	buf_fmt(b, "%s -Identity ", cmdlet);
	quote_put(b, rule, strlen(rule));
}

void
exchange_hand_put(const struct cfg *cfg, const struct effect *e, struct buf *b)
{
	const char *rule = cfg_has(cfg, "rule_name") ? cfg_str(cfg, "rule_name")
						     : cfg_str(cfg, "connector_name");
	const char *at = e->want, *line;
	struct buf s;
	size_t n, k = 0;

	if (e->dir == CONN_FENCE || !exchange_hand_value_ok(e->want)) {
		buf_fmt(b, "# nothing to type for tenant %s\n", cfg_str(cfg, "tenant"));
		return;
	}
	buf_init(&s, &stdmem, SCRIPT_MAX);
	buf_fmt(b,
		"# administrator of %s; without single sign-on: Connect-ExchangeOnline -AppId ID "
		"-CertificateFilePath FILE.pfx -Organization %s\n",
		cfg_str(cfg, "tenant"), cfg_str(cfg, "tenant"));
	buf_str(&s, "Connect-ExchangeOnline -ShowBanner:$false; ");
	if (*e->want != '\0') {
		command_put(&s, "Set-TransportRule", rule);
		buf_str(&s, " -ExceptIfFrom ");
		while (text_line(&at, &line, &n)) {
			if (n <= 7 || strncmp(line, "except ", 7) != 0)
				continue;
			buf_str(&s, k++ > 0 ? "," : "");
			quote_put(&s, line + 7, n - 7);
		}
		buf_str(&s, k == 0 ? "$null; " : "; ");
		command_put(&s, "Enable-TransportRule", rule);
	} else {
		command_put(&s, "Disable-TransportRule", rule);
		buf_str(&s, " -Confirm:$false");
	}
	buf_str(&s, "; Disconnect-ExchangeOnline -Confirm:$false");
	buf_str(b, "pwsh -NoProfile -Command ");
	ops_shell(b, buf_text(&s));
	buf_char(b, '\n');
	buf_fini(&s);
}

/* --- setup --- */

static const char setup_text[] =
	"# 1. An app registration in Entra ID, single tenant, without redirect URI. Certificate "
	"(upload the .crt part):\n"
	"openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=ferryman -keyout app.key "
	"-out app.crt\n"
	"cat app.crt app.key > app.pem && chmod 600 app.pem\n"
	"# 2. API permission of the app: Office 365 Exchange Online, application permission "
	"Exchange.ManageAsApp, with\n"
	"#    an administrator's consent. No directory role: the next step gives it only what it "
	"needs.\n"
	"# 3. In Exchange Online PowerShell (Connect-ExchangeOnline as an administrator):\n"
	"New-ServicePrincipal -AppId APP-ID -ObjectId ENTERPRISE-APP-OBJECT-ID -DisplayName "
	"ferryman\n"
	"New-ManagementRole -Name 'ferryman rules' -Parent 'Transport Rules'\n"
	"Get-ManagementRoleEntry 'ferryman rules\\*' | Where-Object Name -notin "
	"'Get-TransportRule','Set-TransportRule','Enable-TransportRule','Disable-TransportRule' |\n"
	"  ForEach-Object { Remove-ManagementRoleEntry \"ferryman rules\\$($_.Name)\" "
	"-Confirm:$false }\n"
	"New-ManagementRole -Name 'ferryman connectors' -Parent 'Remote and Accepted Domains'\n"
	"Get-ManagementRoleEntry 'ferryman connectors\\*' | Where-Object Name -ne "
	"'Get-OutboundConnector' |\n"
	"  ForEach-Object { Remove-ManagementRoleEntry \"ferryman connectors\\$($_.Name)\" "
	"-Confirm:$false }\n"
	"New-RoleGroup -Name ferryman -Roles 'ferryman rules','ferryman connectors'\n"
	"Add-RoleGroupMember -Identity ferryman -Member (Get-ServicePrincipal -Identity "
	"ferryman).Identity\n"
	"# 4. The connector and its rule, disabled, in peace time. Validate sends a real test "
	"message.\n"
	"New-OutboundConnector -Name 'CONNECTOR' -ConnectorType Partner -UseMXRecord $false "
	"-SmartHosts RELAY -TlsSettings DomainValidation -TlsDomain RELAY -IsTransportRuleScoped "
	"$true -Enabled $true\n"
	"New-TransportRule -Name 'RULE' -Enabled $false -FromScope InOrganization -SentToScope "
	"NotInOrganization -RouteMessageOutboundConnector 'CONNECTOR'\n"
	"Validate-OutboundConnector -Identity 'CONNECTOR' -Recipients SOMEBODY@ELSEWHERE\n"
	"#    Canary senders that are pinned to the primary stay out of the rule: add them to "
	"-ExceptIfFromMemberOf,\n"
	"#    a group; ferryman itself writes -ExceptIfFrom.\n"
	"# The interface ferryman uses is not documented by Microsoft. `ferryman plan --by-hand` "
	"prints the supported way.\n"
	"\n"
	"# To remove it:\n"
	"Disable-TransportRule -Identity 'RULE' -Confirm:$false\n"
	"Remove-TransportRule -Identity 'RULE' -Confirm:$false\n"
	"Remove-OutboundConnector -Identity 'CONNECTOR' -Confirm:$false\n"
	"Remove-RoleGroup -Identity ferryman -Confirm:$false\n"
	"Remove-ManagementRole -Identity 'ferryman rules' -Confirm:$false\n"
	"Remove-ManagementRole -Identity 'ferryman connectors' -Confirm:$false\n"
	"Remove-ServicePrincipal -Identity ferryman -Confirm:$false\n"
	"# ... and the app registration in Entra ID.\n";

void
exchange_hand_setup(const struct cfg *cfg, const char *playbook, struct buf *b)
{
	const char *relay = cfg_str(cfg, "smart_host");
	const char *connector = cfg_str(cfg, "connector_name");
	const char *const words[][2] = {
		{ "CONNECTOR", connector },
		{ "RULE", cfg_has(cfg, "rule_name") ? cfg_str(cfg, "rule_name") : connector },
		{ "RELAY", relay != NULL ? relay : "HOST-OF-THE-RELAY" },
	};

	buf_fmt(b, "# ferryman, playbook %s: set up the tenant %s.\n", playbook,
		cfg_str(cfg, "tenant"));
	for (const char *p = setup_text; *p != '\0';) {
		size_t i = 0;
		while (i < 3 && !text_starts(p, words[i][0]))
			i++;
		if (i < 3) {
			buf_str(b, words[i][1]);
			p += strlen(words[i][0]);
		} else {
			buf_char(b, *p++);
		}
	}
}
