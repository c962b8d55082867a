#!/bin/sh
# Tomorrow's load every night: forecast from the newest history, let the intervals learn, fit again when it is time.
#
#   nightly.sh HISTORY MODEL FORECASTS FIT_OPTIONS...
#   15 5 * * * /srv/load/nightly.sh /srv/load/history.csv /srv/load/model /srv/load/forecasts --target demand --zone Europe/London
#
# HISTORY holds all load so far, and the weather forecast in rows behind it if the model uses weather. It is fitted again
# when it is older than REFIT_DAYS (30) or when its recent error has left the band it was calibrated to.
#
# Exit codes: 0 a forecast was written; 1 it failed, one line on stderr says why and yesterday's files are untouched;
# 2 an option was typed wrong. A forecast that went wrong is never half written.
set -u
history=$1 model=$2 forecasts=$3
shift 3
command=${LABFORMER:-labformer}
mkdir -p "$forecasts" || exit 1
target=$forecasts/$(date -u +%Y-%m-%d).nc

fit() {
    "$command" fit load-forecast --data "$history" --out "$model" --overwrite "$@"
}

forecast() {
    "$command" predict load-forecast --model "$model" --data "$history" --out "$target" --overwrite --learn --strict
}

if [ ! -d "$model" ] || [ -n "$(find "$model/model.safetensors" -mtime "+${REFIT_DAYS:-30}")" ]; then
    fit "$@" || exit $?
fi
forecast
code=$?
if [ $code -eq 3 ]; then # it was written, by a model that has drifted: a new one is fitted and asked again
    fit "$@" || exit $?
    forecast
    code=$?
fi
exit $code
