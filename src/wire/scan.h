// Finds the next of a few marked characters, sixteen bytes at a time where the processor has SSE2.
// Most texts have none, so that what remains of escaping and decoding them is one copy.
#pragma once

#include <cstddef>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>

#include <bit>
#include <cstring>
#endif

namespace millrace::wire {

/// Whether the control characters below U+0020 count as marked.
enum class Controls { passed_over, found };

template <Controls kControls, char... kMarks>
struct Scan {
  static bool is_marked(char c) {
    const bool control = kControls == Controls::found && static_cast<unsigned char>(c) < 0x20;
    return control || ((c == kMarks) || ...);
  }

  /// The place of the first marked character at or after `from`, or the end of `text`.
  static std::size_t find(std::string_view text, std::size_t from) {
    std::size_t at = from;
#if defined(__SSE2__)
    for (; at + sizeof(__m128i) <= text.size(); at += sizeof(__m128i)) {
      __m128i bytes;
      std::memcpy(&bytes, text.data() + at, sizeof bytes);
      __m128i found = _mm_setzero_si128();
      if constexpr (kControls == Controls::found) {
        const __m128i last_control = _mm_set1_epi8(0x1F);
        found = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
      }
      ((found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(kMarks)))), ...);
      const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found));
      if (mask != 0) return at + static_cast<std::size_t>(std::countr_zero(mask));
    }
#endif
    while (at < text.size() && !is_marked(text[at])) ++at;
    return at;
  }
};

}  // namespace millrace::wire
