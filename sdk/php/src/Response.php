<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** A plain answer, for whatever framework. */
final class Response
{
    /** @param array<string, string> $headers */
    private function __construct(
        public readonly int $status,
        public readonly array $headers,
        public readonly string $body,
    ) {
    }

    /** @internal */
    public static function json(int $status, string $json): self
    {
        return new self($status, ['Content-Type' => 'application/json', 'Cache-Control' => 'no-store'], $json);
    }

    /** @internal */
    public static function nobody(): self
    {
        return new self(204, ['Cache-Control' => 'no-store'], '');
    }

    /** @internal */
    public static function refused(int $status, string $code, string $message): self
    {
        $response = self::json($status, Json::encode(['error' => $code, 'message' => $message]));
        return $status === 405 ? new self($status, $response->headers + ['Allow' => 'POST'], $response->body) : $response;
    }

    /**
     * Sends the answer, in plain PHP.
     *
     * @throws \LogicException something was already sent
     */
    public function send(): void
    {
        if (headers_sent($file, $line)) {
            throw new \LogicException("the Buddy endpoint cannot answer: output was already sent by $file, line $line");
        }
        http_response_code($this->status);
        foreach ($this->headers as $name => $value) {
            header("$name: $value");
        }
        echo $this->body;
    }
}
