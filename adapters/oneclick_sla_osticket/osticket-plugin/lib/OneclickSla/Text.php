<?php

declare(strict_types=1);

namespace OneclickSla;

/** HTML of a thread as plain text and back; lines are not wrapped, since a card number may run over the edge. */
final class Text
{
    private const UNSEEN = '#<(head|style|script|title)\b.*?</\1\s*>#is';
    private const BREAKS = '#<(?:br|hr)\b[^>]*>|</(?:p|div|li|tr|h[1-6]|blockquote|pre|table|ul|ol)\s*>#i';

    public static function ofHtml(string $html): string
    {
        $text = preg_replace(self::UNSEEN, '', $html) ?? $html;
        // A source's own line ends mean nothing in HTML.
        $text = preg_replace('/\s*\R\s*/', ' ', $text) ?? $text;
        $text = preg_replace(self::BREAKS, "\n", $text) ?? $text;
        $text = html_entity_decode(strip_tags($text), ENT_QUOTES | ENT_HTML5, 'UTF-8');
        $text = preg_replace(['/[ \t]+\n/', '/\n[ \t]+/', '/\n{3,}/'], ["\n", "\n", "\n\n"], $text) ?? $text;
        return trim($text);
    }

    public static function toHtml(string $text): string
    {
        return nl2br(htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8'), false);
    }
}
