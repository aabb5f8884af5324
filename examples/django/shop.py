"""A small shop that tells Buddy who its visitors are."""

import os

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from buddy_verify import MemoryStore
from buddy_verify.django import identity_endpoint, session_endpoint

ACCOUNTS = {"ada": "ada-1815", "grace": "grace-1906"}
USERS = {
    "ada-1815": {
        "userId": "ada-1815",
        "email": "ada@shop.example",
        "role": "customer",
        "customAttributes": {"plan": "gold"},
    },
    "grace-1906": {
        "userId": "grace-1906",
        "email": "grace@shop.example",
        "role": "customer",
        "customAttributes": {"plan": "silver"},
    },
}


# Without a page there is no form to hold a CSRF token; a real sign-in has one.
@csrf_exempt
@require_POST
def login(request):
    user_id = ACCOUNTS.get(request.POST.get("user"))
    if user_id is None:
        return HttpResponse("no such user", status=400)
    request.session["user_id"] = user_id
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def logout(request):
    request.session.flush()
    return HttpResponse(status=204)


# [identity]
secrets = [os.environ[name] for name in ("BUDDY_SECRET", "BUDDY_OLD_SECRET") if os.environ.get(name)]
store = MemoryStore()


def user_of(session_id):
    return USERS.get(store.find(session_id))


buddy_identity = path("buddy/identity", identity_endpoint(secrets, user_of))
# [/identity]


# [session]
def signed_in_user(request):
    return request.session.get("user_id")


buddy_session = path("buddy/session", session_endpoint(secrets[0], store, signed_in_user))
# [/session]


urlpatterns = [path("login", login), path("logout", logout), buddy_identity, buddy_session]
