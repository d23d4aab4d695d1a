#!/bin/sh
# A loop as people write it: an interval chosen by hand, a rename. PLACE is the file.
while :; do
	curl --silent --show-error --fail --max-time 10 "$TOKEN_URL" \
		--data grant_type=client_credentials \
		--data-urlencode "client_id=$(cat "$CREDENTIALS/client_id")" \
		--data-urlencode "client_secret=$(cat "$CREDENTIALS/client_secret")" |
		sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p' | tr -d '\n' >"$PLACE.new"
	if [ -s "$PLACE.new" ]; then
		mv "$PLACE.new" "$PLACE"
		sleep "$INTERVAL"
	else
		sleep 1
	fi
done
