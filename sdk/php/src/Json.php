<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** @internal */
final class Json
{
    /** Far deeper than any body of Buddy's, and what its own reader takes. */
    private const BODY_DEPTH_MAX = 128;

    /** An integer that is too large stays text, rather than becoming a float that looks like a number. */
    private const READ = JSON_BIGINT_AS_STRING | JSON_THROW_ON_ERROR;

    /** A float stays one, so that 1.0 does not arrive as 1. */
    private const WRITE = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION;

    /**
     * The members of an object; none for any other value; null for what is no JSON.
     *
     * @return array<mixed>|null
     */
    public static function decode(string $text): ?array
    {
        try {
            $value = json_decode($text, true, self::BODY_DEPTH_MAX, self::READ);
        } catch (\JsonException) {
            return null;
        }
        // An array's keys are numbers, so it has no member of the names that are looked for.
        return is_array($value) ? $value : [];
    }

    /**
     * @param array<string, mixed> $members
     * @throws \JsonException
     */
    public static function encode(array $members, int $depthMax = 512): string
    {
        return json_encode($members, self::WRITE, $depthMax);
    }
}
