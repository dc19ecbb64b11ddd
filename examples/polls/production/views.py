"""Routes for those who run the application."""
import logging
import time

from django.db import Error, connection
from django.http import HttpResponse, JsonResponse

from .middleware import private

log = logging.getLogger(__name__)


@private
def status(request):
    """Tell the monitoring service whether the database answers in time, over a new connection."""
    state = "ok"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM polls_poll LIMIT 1")
    except Error as error:
        log.warning("the database is away: %s", error, extra={"request": request})
        state = "fail"
    return JsonResponse({"status": state, "checks": {"db": state}}, status=200 if state == "ok" else 503,
                        headers={"Cache-Control": "no-store"})


@private
def slow(request):
    """Take a second, as a request on a bad day."""
    time.sleep(1)
    return HttpResponse("That took a second.\n", content_type="text/plain")


@private
def fault(request):
    """Show what happens when something breaks."""
    raise RuntimeError("the urn is broken")
