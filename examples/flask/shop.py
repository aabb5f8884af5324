"""A small shop that tells Buddy who its visitors are."""

import os
import sys

from flask import Flask, request, session

from buddy_verify import MemoryStore
from buddy_verify.flask import identity_endpoint, session_endpoint

if not os.environ.get("BUDDY_SECRET"):
    sys.exit("BUDDY_SECRET is not set: give the callback secret that Buddy showed for the agent.")

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

app = Flask(__name__)
# Signs the cookie. A real shop keeps one, so that a restart signs nobody out.
app.secret_key = os.urandom(32)
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"


@app.post("/login")
def login():
    user_id = ACCOUNTS.get(request.form.get("user"))
    if user_id is None:
        return "no such user", 400
    session["user_id"] = user_id
    return "", 204


@app.post("/logout")
def logout():
    session.clear()
    return "", 204


# [identity]
secrets = [os.environ[name] for name in ("BUDDY_SECRET", "BUDDY_OLD_SECRET") if os.environ.get(name)]
store = MemoryStore()


def user_of(session_id):
    return USERS.get(store.find(session_id))


app.add_url_rule("/buddy/identity", view_func=identity_endpoint(secrets, user_of), methods=["POST"])
# [/identity]


# [session]
def signed_in_user():
    return session.get("user_id")


app.add_url_rule("/buddy/session", view_func=session_endpoint(secrets[0], store, signed_in_user), methods=["POST"])
# [/session]


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
