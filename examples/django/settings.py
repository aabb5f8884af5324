import os
import sys

if not os.environ.get("BUDDY_SECRET"):
    sys.exit("BUDDY_SECRET is not set: give the callback secret that Buddy showed for the agent.")

# Signs the cookie. A real shop keeps one, so that a restart signs nobody out.
SECRET_KEY = os.urandom(32).hex()
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"

# Behind a proxy of yours, the names that it serves.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TIME_ZONE = "UTC"
