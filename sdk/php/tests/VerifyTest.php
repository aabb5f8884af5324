<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\Buddy;
use Buddy\Verify\Tests\Support\Vectors;
use Buddy\Verify\VerifyError;
use PHPUnit\Framework\TestCase;

final class VerifyTest extends TestCase
{
    private const SECRET = '0123456789abcdef';

    /** @dataProvider signatures */
    public function test_every_published_signature_matches_and_no_other_secret_does(array $row): void
    {
        // Many of these bodies are no callbacks: what counts is that the signature is not what stops them.
        self::assertNotSame('no_match', self::refusal($row['body'], $row['signature'], $row['secret']));
        self::assertSame('no_match', self::refusal($row['body'], $row['signature'], 'another-secret-00'));
    }

    public function signatures(): array
    {
        return Vectors::rows('signature');
    }

    /** @dataProvider verifications */
    public function test_requests_are_taken_and_refused_as_the_vectors_say(array $row): void
    {
        try {
            $callback = Buddy::verify($row['body'], $row['signature'], $row['secrets'], $row['now'], $row['agentId']);
            $outcome = ['sessionId' => $callback->sessionId, 'agentId' => $callback->agentId, 'timestamp' => $callback->timestamp];
        } catch (VerifyError $error) {
            self::assertNotSame('', $error->getMessage());
            $outcome = ['error' => $error->errorCode];
        }
        self::assertSame($row['expect'], $outcome);
    }

    public function verifications(): array
    {
        return Vectors::rows('verify');
    }

    public function test_the_tolerance_is_that_of_the_vectors(): void
    {
        self::assertSame(Vectors::document('verify')['toleranceSeconds'], Buddy::TOLERANCE_SECONDS);
    }

    /** @dataProvider bodies */
    public function test_rightly_signed_bodies_that_php_could_misread(string $expected, string $body): void
    {
        self::assertSame($expected, self::refusal($body, hash_hmac('sha256', $body, self::SECRET), self::SECRET));
    }

    public function bodies(): array
    {
        $with = static fn (string $timestamp): string =>
            '{"sessionId":"sess_01hz2v6yqefws8h3k5n7p9r1tv","agentId":"agt_01hz2v6yqdfqr9c2d4e6f8g0hj","timestamp":' . $timestamp . '}';
        return [
            'a timestamp that no integer holds' => ['body_incomplete', $with('9223372036854775808')],
            'the largest timestamp' => ['stale', $with('9223372036854775807')],
            'the smallest timestamp' => ['stale', $with('-9223372036854775808')],
            'a float without a fraction' => ['body_incomplete', $with('1717000000.0')],
            'a float with an exponent' => ['body_incomplete', $with('1.717e9')],
            'true' => ['body_incomplete', $with('true')],
            'a session id and a line end' => ['bad_session_id', str_replace('r1tv', 'r1tv\n', $with('1717000000'))],
            'a session id that is no UTF-8' => ['body_not_json', str_replace('r1tv', "r1t\xff", $with('1717000000'))],
            'half of a surrogate pair' => ['body_not_json', str_replace('r1tv', 'r1t\ud800', $with('1717000000'))],
            'an object within' => ['body_incomplete', '{"sessionId":{},"agentId":[],"timestamp":1717000000}'],
            'nested too deep to read' => ['body_not_json', str_repeat('[', 200) . str_repeat(']', 200)],
            'text' => ['body_incomplete', '"sessionId"'],
            'zero' => ['body_incomplete', '0'],
            'null' => ['body_incomplete', 'null'],
            'an empty object' => ['body_incomplete', '{}'],
            'a byte order mark' => ['body_not_json', "\u{feff}" . $with('1717000000')],
        ];
    }

    public function test_clocks_at_the_ends_of_time_are_stale_and_do_not_overflow(): void
    {
        [$body, $signature] = Vectors::signed(self::SECRET, 1717000000);
        foreach ([PHP_INT_MIN, PHP_INT_MAX, 0] as $now) {
            self::assertSame('stale', self::refusal($body, $signature, self::SECRET, $now));
        }
    }

    public function test_the_clock_is_the_systems_unless_given(): void
    {
        [$body, $signature] = Vectors::signed(self::SECRET, time());
        self::assertSame('agt_01hz2v6yqdfqr9c2d4e6f8g0hj', Buddy::verify($body, $signature, self::SECRET)->agentId);
    }

    public function test_a_secret_that_was_not_set_is_a_bad_one(): void
    {
        self::assertSame('bad_secret', self::refusal('', null, ''));
        self::assertSame('bad_secret', self::refusal('', null, [self::SECRET, getenv('BUDDY_IS_NOT_SET')]));
    }

    /** @dataProvider tickets */
    public function test_tickets_are_those_of_the_vectors(array $row): void
    {
        self::assertSame($row['ticket'], Buddy::ticket($row['secret'], $row['sessionId']));
    }

    public function tickets(): array
    {
        return Vectors::rows('ticket');
    }

    public function test_nothing_but_session_ids_is_signed(): void
    {
        $refused = Vectors::document('ticket')['refusedSessionIds'];
        self::assertGreaterThanOrEqual(15, count($refused));
        foreach ($refused as $sessionId) {
            self::assertSame('bad_session_id', self::thrown(fn () => Buddy::ticket(self::SECRET, $sessionId)), $sessionId);
        }
    }

    public function test_no_ticket_is_made_with_a_secret_that_buddy_would_not_have(): void
    {
        self::assertSame('bad_secret', self::thrown(fn () => Buddy::ticket('', 'sess_01hz2v6yqefws8h3k5n7p9r1tv')));
    }

    private static function refusal(string $body, ?string $signature, array|string $secrets, int $now = 1717000000): ?string
    {
        return self::thrown(fn () => Buddy::verify($body, $signature, $secrets, $now));
    }

    private static function thrown(callable $call): ?string
    {
        try {
            $call();
            return null;
        } catch (VerifyError $error) {
            return $error->errorCode;
        }
    }
}
