<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\IdentityEndpoint;
use Buddy\Verify\InvalidUser;
use Buddy\Verify\Request;
use Buddy\Verify\Tests\Support\Vectors;
use PHPUnit\Framework\TestCase;

final class UserTest extends TestCase
{
    /** @dataProvider goodUsers */
    public function test_a_user_is_answered_as_json(array $user, string $json): void
    {
        self::assertSame($json, self::answered($user));
    }

    public function goodUsers(): array
    {
        return [
            'an integer' => [['userId' => 42], '{"userId":42}'],
            'zero' => [['userId' => 0], '{"userId":0}'],
            'digits stay text' => [['userId' => '007'], '{"userId":"007"}'],
            'spaces and capitals are kept' => [['userId' => ' Ada '], '{"userId":" Ada "}'],
            'Unicode' => [
                ['userId' => 'zoë-漢字-🦀', 'customAttributes' => ['name' => 'Zoë 🦀']],
                '{"userId":"zoë-漢字-🦀","customAttributes":{"name":"Zoë 🦀"}}',
            ],
            '256 characters of four bytes' => [['userId' => str_repeat('🦀', 256)], '{"userId":"' . str_repeat('🦀', 256) . '"}'],
            'null is left out' => [['userId' => '1', 'email' => null, 'role' => null, 'customAttributes' => null], '{"userId":"1"}'],
            'no attributes are an object' => [['userId' => '1', 'customAttributes' => []], '{"userId":"1","customAttributes":{}}'],
            'an object within' => [
                ['userId' => '1', 'customAttributes' => ['a' => new \stdClass(), 'b' => [], 'c' => 1.0, 'd' => [1, 2]]],
                '{"userId":"1","customAttributes":{"a":{},"b":[],"c":1.0,"d":[1,2]}}',
            ],
            'attributes as an object' => [
                ['userId' => '1', 'customAttributes' => (object) ['plan' => 'gold']],
                '{"userId":"1","customAttributes":{"plan":"gold"}}',
            ],
            'numbers as names' => [['userId' => '1', 'customAttributes' => [5 => 'x']], '{"userId":"1","customAttributes":{"5":"x"}}'],
            'what Buddy does not know stays here' => [['userId' => '1', 'password' => 'hunter2'], '{"userId":"1"}'],
            'an empty email' => [['userId' => '1', 'email' => ''], '{"userId":"1","email":""}'],
            'the longest email' => [
                ['userId' => '1', 'email' => str_repeat('é', 320)],
                '{"userId":"1","email":"' . str_repeat('é', 320) . '"}',
            ],
            '32 levels' => [
                ['userId' => '1', 'customAttributes' => self::nested(31)],
                '{"userId":"1","customAttributes":' . self::nestedJson(31) . '}',
            ],
        ];
    }

    /** @dataProvider badUsers */
    public function test_a_user_that_buddy_would_not_take_is_named_and_not_answered(string $named, mixed $user): void
    {
        $this->expectException(InvalidUser::class);
        $this->expectExceptionMessageMatches("/$named/");
        self::answered($user);
    }

    public function badUsers(): array
    {
        $of = static fn (mixed $id): array => ['userId' => $id];
        $with = static fn (string $name, mixed $value): array => ['userId' => '1', $name => $value];
        return [
            'no array' => ['must be an array or null, not stdClass', (object) $of('1')],
            'a bare id' => ['must be an array or null, not string', 'ada'],
            'false, as many a look-up says nobody' => ['must be an array or null, not bool', false],
            'no id' => ['userId', ['email' => 'ada@shop.example']],
            'null' => ['userId', $of(null)],
            'an empty id' => ['userId', $of('')],
            'a blank id' => ['userId', $of('  ')],
            'a blank id outside ASCII' => ['userId', $of("\u{3000}\u{a0}\u{2028}")],
            'a line end' => ['userId', $of("ada\n")],
            'a control character outside ASCII' => ['userId', $of("ada\u{85}")],
            'a NUL' => ['userId', $of("a\0da")],
            '257 characters' => ['userId', $of(str_repeat('a', 257))],
            'bytes that are no UTF-8' => ['userId', $of("ad\xe9")],
            'a float' => ['userId', $of(42.0)],
            'true' => ['userId', $of(true)],
            'an array' => ['userId', $of(['1'])],
            'an email that is no text' => ['email', $with('email', 1)],
            'an email of 321 characters' => ['email', $with('email', str_repeat('a', 321))],
            'an email that is no UTF-8' => ['email', $with('email', "\xff")],
            'a role of 129 characters' => ['role', $with('role', str_repeat('a', 129))],
            'a role that is no text' => ['role', $with('role', ['admin'])],
            'attributes as a list' => ['customAttributes', $with('customAttributes', ['gold'])],
            'attributes as text' => ['customAttributes', $with('customAttributes', '{}')],
            'attributes as a date' => ['customAttributes', $with('customAttributes', new \DateTimeImmutable())],
            'attributes that are no UTF-8' => ['JSON', $with('customAttributes', ['a' => "\xff"])],
            'attributes that are no number' => ['JSON', $with('customAttributes', ['a' => NAN])],
            '33 levels' => ['JSON', $with('customAttributes', self::nested(32))],
            'more than 64 KiB' => ['64 KiB', $with('customAttributes', ['a' => str_repeat('a', 65536)])],
        ];
    }

    private static function nested(int $levels): array
    {
        return $levels === 1 ? ['a' => 1] : ['a' => self::nested($levels - 1)];
    }

    private static function nestedJson(int $levels): string
    {
        return str_repeat('{"a":', $levels) . '1' . str_repeat('}', $levels);
    }

    private static function answered(mixed $user): string
    {
        $secret = '0123456789abcdef';
        [$body, $signature] = Vectors::signed($secret, 1717000000);
        $endpoint = new IdentityEndpoint($secret, fn () => $user, clock: fn () => 1717000000);
        return $endpoint->answer(new Request('POST', ['X-Platform-Signature' => $signature], $body))->body;
    }
}
