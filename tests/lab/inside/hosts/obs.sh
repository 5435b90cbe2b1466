# obs - where ferryman runs, as user ferryman; alice and bob are people who may use it. The playbooks of the library lie in
# /etc/ferryman as they are, with every credential that they name.
# shellcheck shell=bash

people() {
	echo ferryman:x:990: >>/etc/group
	printf 'alice:x:1001:\nbob:x:1002:\n' >>/etc/group
	sed -i 's/^ferryman:x:990:$/ferryman:x:990:alice,bob/' /etc/group
	printf 'ferryman:x:990:990::/var/lib/ferryman:/bin/sh\nalice:x:1001:1001:Alice:/home/alice:/bin/bash\nbob:x:1002:1002:Bob:/home/bob:/bin/bash\n' >>/etc/passwd
	printf '%s:*:20000:0:99999:7:::\n' ferryman alice bob >>/etc/shadow
	install -d -o alice -g alice -m 700 /home/alice
	install -d -o bob -g bob -m 700 /home/bob
	install -d -o ferryman -g ferryman -m 700 /var/lib/ferryman
}
secret() { install -o ferryman -g ferryman -m 600 /dev/stdin "/etc/ferryman/$1"; }
login_file() { printf '%s:%s\n' "$2" "$(password "$2")" | secret "$1"; }
credentials() {
	local n
	secret tsig.key </run/keys/tsig.key
	secret id_ed25519 </run/keys/id_ed25519
	secret hub.hostkey < <(cut -d' ' -f1,2 /run/keys/ssh_host_ed25519_key.pub)
	secret nsmail.auth </run/keys/nsmail.auth
	secret tenant-app.pem </run/keys/tenant-app.pem
	secret tenant-app.id </run/keys/tenant-app.id
	secret lab-ca.pem </run/keys/ca.pem
	for n in 1 2 3; do login_file "seed-rcpt$n.auth" "seed@rcpt$n.example"; done
	for n in cloud gw1 gw2 nsmail; do login_file "canary-$n.auth" "canary-$n@c.corp.example"; done
	for n in bounces canary-in probe; do login_file "$n.auth" "$n@corp.example"; done
}
host_render() {
	people
	install -d -o ferryman -g ferryman -m 755 /etc/ferryman
	credentials
	install -o ferryman -g ferryman -m 644 "$LAB_INSIDE"/../../../playbooks/library/*.yaml /etc/ferryman/
	printf '# the pause between two shares of a failback, for somebody who tries it by hand\nprocedures.outbound.failback.stage: 5s\n' |
		install -o ferryman -g ferryman -m 644 /dev/stdin /etc/ferryman/quick.durations
	install -m 755 "$LAB_INSIDE/page-duty" "$LAB_INSIDE/pwsh" /usr/local/bin/
	install -o ferryman -g ferryman -m 664 /dev/null /var/log/pages
	# for a person at the keyboard and for traffic: every user's password, the tenant's administrator
	password u01@corp.example | install -m 644 /dev/stdin /etc/lab/user.password
	install -d -m 700 /root/admin
	cp /run/keys/tenant-admin.pem /run/keys/tenant-admin.id /run/keys/pdns.key /root/admin/
	install -d -m 700 /root/.ssh
	printf '203.0.113.10 %s\n' "$(cut -d' ' -f1,2 /run/keys/ssh_host_ed25519_key.pub)" >/root/.ssh/known_hosts
}
host_start() {
	install -m 755 /run/lab/ferryman /usr/local/bin/ferryman || { echo "there is no ferryman: run make first"; return 1; }
	install -d -o ferryman -g ferryman -m 750 /run/ferryman
}
