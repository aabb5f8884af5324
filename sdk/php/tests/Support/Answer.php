<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests\Support;

final class Answer
{
    /** @param array<string, string> $headers names in lower case */
    private function __construct(public readonly int $status, public readonly array $headers, public readonly string $body)
    {
    }

    public static function parse(string $text): self
    {
        [$head, $body] = explode("\r\n\r\n", $text, 2);
        $lines = explode("\r\n", $head);
        preg_match('#\AHTTP/1\.[01] (\d{3}) #', array_shift($lines), $match);
        $headers = [];
        foreach ($lines as $line) {
            [$name, $value] = explode(':', $line, 2);
            $headers[strtolower($name)] = trim($value);
        }
        return new self((int) $match[1], $headers, $body);
    }

    public function json(): mixed
    {
        return json_decode($this->body, true, 512, JSON_THROW_ON_ERROR);
    }
}
