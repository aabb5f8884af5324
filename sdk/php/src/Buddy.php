<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** The two things everything else here is made of: is this request Buddy's, and the ticket for a session. */
final class Buddy
{
    /** How far a timestamp may be from this machine's clock, either way: a replay is refused after this, and clocks do differ. */
    public const TOLERANCE_SECONDS = 300;

    /** SHA-256 in hexadecimal. */
    private const SIGNATURE_CHARS = 64;

    /** Keeps a ticket from ever being the signature of a callback, or the other way round. */
    private const TICKET_PREFIX = 'buddy-ticket-v1:';

    private const SESSION_ID = '/\Asess_[0-9a-z]{26}\z/';

    /**
     * Verifies a callback. `$body` is the raw body, before any parsing; `$signatureHeader` the value of `X-Platform-Signature`;
     * `$secrets` all that count: one, or two during a rotation. `$now` is the system's clock and `$agentId` any, unless given.
     *
     * @param list<string>|string $secrets
     * @throws VerifyError the first fault found
     */
    public static function verify(
        string $body,
        ?string $signatureHeader,
        #[\SensitiveParameter] array|string $secrets,
        ?int $now = null,
        ?string $agentId = null,
    ): Callback {
        $secrets = Secrets::check($secrets);
        self::checkForm($signatureHeader);
        if (!self::anySigns($secrets, $body, $signatureHeader)) {
            throw new VerifyError('no_match');
        }
        $callback = self::read($body);
        if (!self::isSessionId($callback->sessionId)) {
            throw new VerifyError('bad_session_id');
        }
        if (abs($callback->timestamp - ($now ?? time())) > self::TOLERANCE_SECONDS) {
            throw new VerifyError('stale');
        }
        if ($agentId !== null && $agentId !== $callback->agentId) {
            throw new VerifyError('wrong_agent');
        }
        return $callback;
    }

    /**
     * The ticket for a session: proof to Buddy, through the user's own page, that you have noted whose session it is.
     *
     * @throws VerifyError bad_secret; bad_session_id: the id comes from a browser, so its form is checked before it is signed
     */
    public static function ticket(#[\SensitiveParameter] string $secret, string $sessionId): string
    {
        Secrets::check($secret);
        if (!self::isSessionId($sessionId)) {
            throw new VerifyError('bad_session_id');
        }
        return hash_hmac('sha256', self::TICKET_PREFIX . $sessionId, $secret);
    }

    /** Whether the text has the form of a session id. */
    public static function isSessionId(string $text): bool
    {
        return preg_match(self::SESSION_ID, $text) === 1;
    }

    private static function checkForm(?string $signature): void
    {
        if ($signature === null) {
            throw new VerifyError('missing_header');
        }
        if (strlen($signature) !== self::SIGNATURE_CHARS) {
            throw new VerifyError('wrong_length');
        }
        // One spelling for one signature: whoever keys on the header's text sees no second one.
        if (preg_match('/\A[0-9a-f]+\z/', $signature) !== 1) {
            throw new VerifyError('not_hex');
        }
    }

    /**
     * Goes through all secrets whatever the first says, so that time tells nothing about which one matched.
     *
     * @param non-empty-list<string> $secrets
     */
    private static function anySigns(#[\SensitiveParameter] array $secrets, string $body, string $signature): bool
    {
        $found = false;
        foreach ($secrets as $secret) {
            $found = hash_equals(hash_hmac('sha256', $body, $secret), $signature) || $found;
        }
        return $found;
    }

    /** Members that are not known are passed over: a later version may add some. */
    private static function read(string $body): Callback
    {
        $members = Json::decode($body) ?? throw new VerifyError('body_not_json');
        $sessionId = $members['sessionId'] ?? null;
        $agentId = $members['agentId'] ?? null;
        $timestamp = $members['timestamp'] ?? null;
        if (!is_string($sessionId) || !is_string($agentId) || !is_int($timestamp)) {
            throw new VerifyError('body_incomplete');
        }
        return new Callback($sessionId, $agentId, $timestamp);
    }
}
