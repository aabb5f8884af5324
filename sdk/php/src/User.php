<?php

declare(strict_types=1);

namespace Buddy\Verify;

/**
 * What Buddy takes as a user. Checked here, so that a mistake shows in your own log and not as a session without a user.
 *
 * @internal
 */
final class User
{
    private const ID_CHARS_MAX = 256;
    private const EMAIL_CHARS_MAX = 320;
    private const ROLE_CHARS_MAX = 128;

    /** Of the whole answer; Buddy reads no further. */
    private const ANSWER_BYTES_MAX = 64 * 1024;

    /** Of the whole answer, which is the first level. */
    private const ANSWER_DEPTH_MAX = 32;

    /**
     * The answer's JSON. Members that Buddy does not know are left out, so that a whole database row does not travel.
     *
     * @throws InvalidUser
     */
    public static function encode(mixed $user): string
    {
        if (!is_array($user)) {
            throw new InvalidUser('the user must be an array or null, not ' . get_debug_type($user));
        }
        $members = ['userId' => self::id($user['userId'] ?? null)];
        foreach (['email' => self::EMAIL_CHARS_MAX, 'role' => self::ROLE_CHARS_MAX] as $name => $charsMax) {
            if (isset($user[$name])) {
                $members[$name] = self::text($name, $user[$name], $charsMax);
            }
        }
        if (isset($user['customAttributes'])) {
            $members['customAttributes'] = self::attributes($user['customAttributes']);
        }
        try {
            $json = Json::encode($members, self::ANSWER_DEPTH_MAX);
        } catch (\JsonException $error) {
            throw new InvalidUser('the user cannot be written as JSON: ' . $error->getMessage(), 0, $error);
        }
        if (strlen($json) > self::ANSWER_BYTES_MAX) {
            throw new InvalidUser('the user is larger than 64 KiB of JSON');
        }
        return $json;
    }

    /**
     * The id, if it is one that Buddy takes.
     *
     * @throws InvalidUser
     */
    public static function id(mixed $id): int|string
    {
        if (is_int($id)) {
            return $id;
        }
        $isGood = is_string($id)
            && self::hasChars($id, self::ID_CHARS_MAX)
            && preg_match('/[^\p{Z}]/u', $id) === 1
            && preg_match('/\p{Cc}/u', $id) === 0;
        return $isGood ? $id : throw new InvalidUser(
            'userId must be an integer, or a string of 1 to 256 characters that is not blank and has no control characters'
        );
    }

    private static function text(string $name, mixed $text, int $charsMax): string
    {
        return is_string($text) && self::hasChars($text, $charsMax)
            ? $text
            : throw new InvalidUser("$name must be a string of at most $charsMax characters");
    }

    private static function attributes(mixed $attributes): object
    {
        $isList = is_array($attributes) && $attributes !== [] && array_is_list($attributes);
        // Enums and dates are objects too, and are no JSON objects or not the one that was meant.
        $isOther = !is_array($attributes) && !$attributes instanceof \stdClass;
        if ($isList || $isOther) {
            throw new InvalidUser('customAttributes must be an object: an array with names as keys, or a stdClass');
        }
        // An empty array would be written as [].
        return (object) $attributes;
    }

    /** Characters are Unicode's; bytes that are no UTF-8 match nothing. */
    private static function hasChars(string $text, int $charsMax): bool
    {
        return preg_match("/\A.{0,$charsMax}\z/su", $text) === 1;
    }
}
