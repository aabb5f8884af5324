<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\Buddy;
use Buddy\Verify\IdentityEndpoint;
use Buddy\Verify\InvalidUser;
use Buddy\Verify\Laravel\IdentityEndpoint as LaravelIdentityEndpoint;
use Buddy\Verify\Laravel\SessionEndpoint as LaravelSessionEndpoint;
use Buddy\Verify\MemoryStore;
use Buddy\Verify\RawBodyMissing;
use Buddy\Verify\Request;
use Buddy\Verify\Response;
use Buddy\Verify\SessionEndpoint;
use Buddy\Verify\Tests\Support\Folder;
use Buddy\Verify\Tests\Support\Vectors;
use Buddy\Verify\VerifyError;
use PHPUnit\Framework\TestCase;

/** What the rows of the vectors, which go over sockets, do not reach. */
final class EndpointTest extends TestCase
{
    private const SECRET = '0123456789abcdef';
    private const NOW = 1717000000;
    private const SESSION = 'sess_01hz2v6yqefws8h3k5n7p9r1tv';

    /** @dataProvider badSecrets */
    public function test_a_bad_secret_is_said_when_an_endpoint_is_made(string $code, mixed $secrets): void
    {
        $makers = [
            fn () => new IdentityEndpoint($secrets, fn () => null),
            fn () => new SessionEndpoint($secrets, new MemoryStore(), fn () => null),
            fn () => new LaravelIdentityEndpoint($secrets, fn () => null),
            fn () => new LaravelSessionEndpoint($secrets, new MemoryStore(), fn () => null),
        ];
        foreach ($makers as $make) {
            try {
                $make();
                self::fail('was made');
            } catch (VerifyError $error) {
                self::assertSame($code, $error->errorCode);
            }
        }
    }

    public function badSecrets(): array
    {
        return [
            'a variable that is not set' => ['no_secret', getenv('BUDDY_IS_NOT_SET')],
            'null, as Laravel\'s config gives' => ['no_secret', null],
            'none' => ['no_secret', []],
            'empty' => ['bad_secret', ''],
            'empty beside a good one' => ['bad_secret', [self::SECRET, '']],
            'not set beside a good one' => ['bad_secret', [self::SECRET, false]],
            'a line end' => ['bad_secret', self::SECRET . "\n"],
            'a space' => ['bad_secret', ' ' . self::SECRET],
            '15 characters' => ['bad_secret', substr(self::SECRET, 1)],
            '257 characters' => ['bad_secret', str_repeat('s', 257)],
            'outside ASCII' => ['bad_secret', 'é' . self::SECRET],
        ];
    }

    public function test_each_refusal_is_handed_over(): void
    {
        $refusals = [];
        $endpoint = new IdentityEndpoint(self::SECRET, fn () => null, onRefused: function (string ...$refusal) use (&$refusals): void {
            $refusals[] = $refusal;
        }, clock: fn () => self::NOW);
        $answers = [
            $endpoint->answer(new Request('GET', [], '')),
            $endpoint->answer(new Request('POST', [], str_repeat(' ', Request::BODY_BYTES_MAX + 1))),
            $endpoint->answer(new Request('POST', [], '{}')),
        ];
        self::assertSame([405, 413, 401], array_column($answers, 'status'));
        self::assertSame('POST', $answers[0]->headers['Allow']);
        self::assertSame(['method_not_allowed', 'too_large', 'missing_header'], array_column($refusals, 0));
        self::assertSame((new VerifyError('missing_header'))->getMessage(), $refusals[2][1]);
        self::assertSame(['error' => 'missing_header', 'message' => $refusals[2][1]], json_decode($answers[2]->body, true));
    }

    public function test_a_refusal_is_one_line_in_the_log_without_secret_and_body(): void
    {
        $folder = Folder::make();
        $before = ini_set('error_log', "$folder/log");
        try {
            self::asked(fn () => null, ['X-Platform-Signature' => str_repeat('0', 64)], '{"private":1}');
            $log = file_get_contents("$folder/log");
        } finally {
            ini_set('error_log', $before);
            Folder::remove($folder);
        }
        self::assertSame(1, substr_count($log, "\n"));
        self::assertStringEndsWith('buddy: refused a callback (no_match): ' . (new VerifyError('no_match'))->getMessage() . "\n", $log);
        self::assertStringNotContainsString(self::SECRET, $log);
        self::assertStringNotContainsString('private', $log);
    }

    public function test_an_error_of_the_users_function_goes_through(): void
    {
        $this->expectExceptionObject(new \DomainException('no database'));
        [$body, $signature] = Vectors::signed(self::SECRET, self::NOW);
        self::asked(fn () => throw new \DomainException('no database'), ['X-Platform-Signature' => $signature], $body);
    }

    public function test_the_function_is_given_the_session_and_nobody_is_204_without_a_body(): void
    {
        $given = null;
        [$body, $signature] = Vectors::signed(self::SECRET, self::NOW);
        $answer = self::asked(function (string $sessionId) use (&$given): ?array {
            $given = $sessionId;
            return null;
        }, ['x-platform-SIGNATURE' => $signature], $body);
        self::assertSame(self::SESSION, $given);
        self::assertSame([204, '', ['Cache-Control' => 'no-store']], [$answer->status, $answer->body, $answer->headers]);
    }

    public function test_a_body_that_was_read_before_is_a_loud_error_in_both(): void
    {
        $headers = ['Content-Type' => 'application/json', 'Content-Length' => '113', 'X-Platform-Signature' => str_repeat('0', 64)];
        $answers = [
            fn () => self::asked(fn () => null, $headers, ''),
            fn () => self::bound(fn () => 'ada', $headers, ''),
        ];
        foreach ($answers as $answer) {
            try {
                $answer();
                self::fail('was answered');
            } catch (RawBodyMissing $error) {
                self::assertStringContainsString('php://input', $error->getMessage());
            }
        }
    }

    public function test_a_body_that_php_dropped_for_its_size_is_too_large(): void
    {
        $answer = self::asked(fn () => null, ['Content-Length' => '99999999'], '');
        self::assertSame(413, $answer->status);
        self::assertSame(413, self::bound(fn () => 'ada', ['Content-Type' => 'application/json', 'Content-Length' => '16385'], '')->status);
    }

    public function test_two_values_of_a_header_are_none_that_can_be_right(): void
    {
        [$body, $signature] = Vectors::signed(self::SECRET, self::NOW);
        $answer = self::asked(fn () => null, ['X-Platform-Signature' => [$signature, $signature]], $body);
        self::assertSame('wrong_length', json_decode($answer->body)->error);
    }

    public function test_the_first_secret_makes_the_ticket(): void
    {
        $endpoint = new SessionEndpoint([self::SECRET, 'another-secret-00'], new MemoryStore(), fn () => 'ada');
        $answer = $endpoint->answer(self::page());
        self::assertSame(['ticket' => Buddy::ticket(self::SECRET, self::SESSION)], json_decode($answer->body, true));
    }

    public function test_the_id_of_who_is_signed_in_may_be_an_integer_and_is_kept_as_text(): void
    {
        $store = new MemoryStore();
        self::assertSame(200, (new SessionEndpoint(self::SECRET, $store, fn () => 42))->answer(self::page())->status);
        self::assertSame('42', $store->find(self::SESSION));
    }

    /** @dataProvider badIds */
    public function test_an_id_that_can_be_nobodys_is_an_error_and_binds_nothing(mixed $id): void
    {
        $store = new MemoryStore();
        try {
            (new SessionEndpoint(self::SECRET, $store, fn () => $id))->answer(self::page());
            self::fail('was answered');
        } catch (InvalidUser) {
            self::assertNull($store->find(self::SESSION));
        }
    }

    public function badIds(): array
    {
        return ['false' => [false], 'empty' => [''], 'blank' => [' '], 'a float' => [1.5], 'an object' => [new \stdClass()]];
    }

    public function test_an_origin_is_compared_by_host_and_port_alone(): void
    {
        $status = fn (string $origin, ?string $host): int => self::bound(
            fn () => 'ada',
            array_filter(['Content-Type' => 'application/json', 'Origin' => $origin, 'Host' => $host], 'is_string'),
            self::page()->body,
        )->status;
        self::assertSame(200, $status('https://shop.example', 'Shop.Example'));
        foreach (['', 'shop.example', 'https://shop.example/', 'https://', "https://shop.example\n", 'ftp://shop.example'] as $origin) {
            self::assertSame(403, $status($origin, 'shop.example'), $origin);
        }
        self::assertSame(403, $status('https://shop.example', null));
    }

    private static function page(): Request
    {
        $body = json_encode(['sessionId' => self::SESSION, 'agentId' => 'agt_01hz2v6yqdfqr9c2d4e6f8g0hj']);
        return new Request('POST', ['Content-Type' => 'application/json'], $body);
    }

    private static function asked(callable $user, array $headers, string $body): Response
    {
        return (new IdentityEndpoint(self::SECRET, $user, clock: fn () => self::NOW))->answer(new Request('POST', $headers, $body));
    }

    private static function bound(callable $userId, array $headers, string $body): Response
    {
        return (new SessionEndpoint(self::SECRET, new MemoryStore(), $userId))->answer(new Request('POST', $headers, $body));
    }
}
