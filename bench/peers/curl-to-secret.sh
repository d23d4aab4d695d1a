#!/bin/sh
# A loop as people write it, with kubectl. PLACE is namespace/name of the Secret.
while :; do
	token=$(curl --silent --show-error --fail --max-time 10 "$TOKEN_URL" \
		--data grant_type=client_credentials \
		--data-urlencode "client_id=$(cat "$CREDENTIALS/client_id")" \
		--data-urlencode "client_secret=$(cat "$CREDENTIALS/client_secret")" |
		sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
	if [ -n "$token" ] &&
		"$KUBECTL" create secret generic "${PLACE#*/}" --namespace "${PLACE%/*}" \
			--from-literal=token="$token" --dry-run=client --output yaml |
		"$KUBECTL" apply --namespace "${PLACE%/*}" --filename - >/dev/null; then
		sleep "$INTERVAL"
	else
		sleep 1
	fi
done
