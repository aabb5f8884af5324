<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** Notes whose session it is and answers your page with its ticket; 204 when nobody is signed in. */
final class SessionEndpoint
{
    use ServesGlobals;

    private readonly string $secret;
    private readonly \Closure $userId;

    /**
     * @param list<string>|string|false|null $secrets the first makes the tickets; as `getenv` gives it
     * @param callable(Request): (int|string|null) $userId the id of the user who is signed in, from your own cookie; null: nobody
     * @param string|null $agentId the agent this endpoint serves; any unless given
     * @throws VerifyError no_secret, bad_secret
     */
    public function __construct(
        #[\SensitiveParameter] array|string|false|null $secrets,
        private readonly Store $store,
        callable $userId,
        private readonly ?string $agentId = null,
    ) {
        $this->secret = Secrets::check($secrets)[0];
        $this->userId = $userId(...);
    }

    /**
     * @throws InvalidUser
     * @throws RawBodyMissing
     */
    public function answer(Request $request): Response
    {
        // Before the body is read: a page of another site is to learn nothing, whatever it sends.
        $refusal = self::refuseRequest($request);
        if ($refusal !== null) {
            return $refusal;
        }
        $members = Json::decode($request->rawBody());
        $refusal = $this->refuseMembers($members);
        if ($refusal !== null) {
            return $refusal;
        }
        $userId = ($this->userId)($request);
        if ($userId === null) {
            return Response::nobody();
        }
        // Whoever lured a user into binding a foreign session must not get its ticket, or he would be taken for that user.
        if (!$this->store->bind($members['sessionId'], (string) User::id($userId))) {
            return Response::refused(409, 'session_taken', 'the session is another user\'s: begin a new one');
        }
        $ticket = Buddy::ticket($this->secret, $members['sessionId']);
        return Response::json(200, Json::encode(['ticket' => $ticket]));
    }

    private static function refuseRequest(Request $request): ?Response
    {
        return match (true) {
            $request->method !== 'POST' => Response::refused(405, 'method_not_allowed', 'the session endpoint is asked by POST'),
            !self::isOwnSite($request) => Response::refused(403, 'cross_site', 'the request comes from another site\'s page'),
            !self::isJson($request) => Response::refused(415, 'unsupported_media_type', 'send Content-Type: application/json'),
            $request->isTooLarge() => Response::refused(413, 'too_large', 'the body has more than 16 KiB'),
            default => null,
        };
    }

    /** @param array<mixed>|null $members */
    private function refuseMembers(?array $members): ?Response
    {
        $isText = static fn (string $name): bool => is_string($members[$name] ?? null);
        return match (true) {
            $members === null => Response::refused(400, 'body_not_json', 'the body is not JSON'),
            !$isText('sessionId'), !$isText('agentId') =>
                Response::refused(400, 'body_incomplete', 'the body lacks sessionId or agentId, or one is no text'),
            !Buddy::isSessionId($members['sessionId']) =>
                Response::refused(400, 'bad_session_id', 'a session id is sess_ and 26 characters of 0-9 and a-z'),
            $this->agentId !== null && $this->agentId !== $members['agentId'] =>
                Response::refused(400, 'wrong_agent', 'the session is of another agent than the one this endpoint serves'),
            default => null,
        };
    }

    private static function isOwnSite(Request $request): bool
    {
        $site = $request->header('Sec-Fetch-Site');
        if ($site !== null) {
            return $site === 'same-origin';
        }
        $origin = $request->header('Origin');
        if ($origin === null) {
            return true;
        }
        // The scheme is not compared: a proxy that ends TLS hides ours.
        $isUrl = preg_match('/\Ahttps?:\/\/([^\/]+)\z/i', $origin, $match) === 1;
        return $isUrl && strcasecmp($match[1], $request->header('Host') ?? '') === 0;
    }

    private static function isJson(Request $request): bool
    {
        [$type] = explode(';', $request->header('Content-Type') ?? '', 2);
        return strtolower(trim($type)) === 'application/json';
    }
}
