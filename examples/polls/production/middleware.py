"""What happens to every request, and the door of the routes that are not for guests."""
import hmac
import logging
import re
import time
import uuid
from functools import wraps

from django.conf import settings
from django.http import Http404

log = logging.getLogger("request")


class Observe:
    """Gives each request an id, logs it, and adds headers to its reply."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        begin, given = time.monotonic(), request.headers.get("X-Request-Id", "")
        request.id = given if re.fullmatch(r"[\w.-]{1,64}", given) else uuid.uuid4().hex
        response = self.get_response(request)
        response["X-Request-Id"] = request.id
        response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        log.info("request", extra={"request": request, "fields": {
            "status": response.status_code, "ms": round(1000 * (time.monotonic() - begin)), "agent": request.headers.get("User-Agent", "")}})
        return response


def private(view):
    """Answer as if the path did not exist, but to who has the token."""
    @wraps(view)
    def guarded(request):
        given, wanted = request.headers.get("Authorization", ""), "Bearer " + settings.CONFIG.status_token
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Http404
        return view(request)
    return guarded
