<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests\Support;

/** The published vectors; BUDDY_VECTORS names another folder of them. */
final class Vectors
{
    /** So that a file that lost its rows does not pass. */
    private const ROWS_MIN = ['signature' => 20, 'verify' => 45, 'ticket' => 5, 'identity_endpoint' => 15, 'session_endpoint' => 40];

    /** @return array<string, mixed> */
    public static function document(string $name): array
    {
        $folder = getenv('BUDDY_VECTORS') ?: dirname(__DIR__, 4) . '/spec/vectors';
        $document = json_decode(file_get_contents("$folder/$name.json"), true, 512, JSON_THROW_ON_ERROR);
        if (count($document['vectors']) < self::ROWS_MIN[$name]) {
            throw new \LengthException("$name.json has too few rows");
        }
        return $document;
    }

    /** @return array<string, array{array<string, mixed>}> the rows by name, as a data provider */
    public static function rows(string $name): array
    {
        $rows = [];
        foreach (self::document($name)['vectors'] as $number => $row) {
            $rows[$row['name']] = [$row + ['number' => $number]];
        }
        return $rows;
    }

    /** @return array<string, mixed> */
    public static function row(string $name, int $number): array
    {
        return self::document($name)['vectors'][$number];
    }

    /** A body as it goes over the wire, and its signature. @return array{string, string} */
    public static function signed(string $secret, int $timestamp, string $sessionId = 'sess_01hz2v6yqefws8h3k5n7p9r1tv'): array
    {
        $body = json_encode(['sessionId' => $sessionId, 'agentId' => 'agt_01hz2v6yqdfqr9c2d4e6f8g0hj', 'timestamp' => $timestamp]);
        return [$body, hash_hmac('sha256', $body, $secret)];
    }
}
