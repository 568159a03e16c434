// MD5's steps depend on each other, so one digest leaves most of a processor idle. Lanes are filled
// with the longest texts first; a lane that has finished takes the next text, and when two or fewer
// are still busy the rest is done by the same code on plain words.
#include "base/md5_lanes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace millrace {

namespace {

static_assert(std::endian::native == std::endian::little, "MD5 reads little-endian words");

constexpr std::size_t kBlock = 64;
constexpr std::size_t kWords = 16;
constexpr std::size_t kWordBytes = 4;
constexpr std::size_t kLanesMax = 16;
// So few lanes are sooner done one after the other: a step over all of them costs 2.5 plain ones.
constexpr std::size_t kAloneMax = 2;
constexpr std::array<std::uint32_t, 4> kInitialState = {0x67452301, 0xefcdab89, 0x98badcfe,
                                                        0x10325476};

// floor(2^32 * |sin(i + 1)|), as RFC 1321 gives them.
constexpr std::array<std::uint32_t, 64> kSines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

// The four words of state of every lane, word by word.
struct States {
  alignas(64) std::uint32_t words[4][kLanesMax];
};

template <int Step, class Vector>
[[gnu::always_inline]] inline void step(Vector& a, Vector& b, Vector& c, Vector& d,
                                        const Vector* message) {
  constexpr int kRound = Step / 16;
  constexpr int kWord = kRound == 0   ? Step % 16
                        : kRound == 1 ? (5 * Step + 1) % 16
                        : kRound == 2 ? (3 * Step + 5) % 16
                                      : (7 * Step) % 16;
  constexpr int kShift = kShifts[kRound][Step % 4];
  Vector mixed;
  if constexpr (kRound == 0) mixed = d ^ (b & (c ^ d));
  if constexpr (kRound == 1) mixed = c ^ (d & (b ^ c));
  if constexpr (kRound == 2) mixed = b ^ c ^ d;
  if constexpr (kRound == 3) mixed = c ^ (b | ~d);
  mixed += a + message[kWord] + kSines[Step];
  a = b + ((mixed << kShift) | (mixed >> (32 - kShift)));
}

template <int... Quarter, class Vector>
[[gnu::always_inline]] inline void all_steps(std::integer_sequence<int, Quarter...>, Vector& a,
                                             Vector& b, Vector& c, Vector& d,
                                             const Vector* message) {
  ((step<4 * Quarter>(a, b, c, d, message), step<4 * Quarter + 1>(d, a, b, c, message),
    step<4 * Quarter + 2>(c, d, a, b, message), step<4 * Quarter + 3>(b, c, d, a, message)),
   ...);
}

// Takes `count` blocks from each of the lanes' texts into their states.
template <class Vector>
[[gnu::always_inline]] inline void add_blocks(States& states, const std::uint8_t* const* texts,
                                              std::size_t count) {
  constexpr std::size_t kLanes = sizeof(Vector) / kWordBytes;
  Vector a, b, c, d;
  std::memcpy(&a, states.words[0], sizeof a);
  std::memcpy(&b, states.words[1], sizeof b);
  std::memcpy(&c, states.words[2], sizeof c);
  std::memcpy(&d, states.words[3], sizeof d);
  for (std::size_t block = 0; block < count; ++block) {
    alignas(64) std::uint32_t words[kWords][kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::uint8_t* text = texts[lane] + block * kBlock;
      for (std::size_t word = 0; word < kWords; ++word) {
        std::memcpy(&words[word][lane], text + kWordBytes * word, kWordBytes);
      }
    }
    Vector message[kWords];
    std::memcpy(message, words, sizeof message);
    const Vector a_before = a, b_before = b, c_before = c, d_before = d;
    all_steps(std::make_integer_sequence<int, 16>{}, a, b, c, d, message);
    a += a_before;
    b += b_before;
    c += c_before;
    d += d_before;
  }
  std::memcpy(states.words[0], &a, sizeof a);
  std::memcpy(states.words[1], &b, sizeof b);
  std::memcpy(states.words[2], &c, sizeof c);
  std::memcpy(states.words[3], &d, sizeof d);
}

using AddBlocks = void (*)(States&, const std::uint8_t* const*, std::size_t);

using Vector4 = std::uint32_t __attribute__((vector_size(16)));

void add_blocks_1(States& states, const std::uint8_t* const* texts, std::size_t count) {
  add_blocks<std::uint32_t>(states, texts, count);
}

void add_blocks_4(States& states, const std::uint8_t* const* texts, std::size_t count) {
  add_blocks<Vector4>(states, texts, count);
}

#if defined(__x86_64__)
using Vector8 = std::uint32_t __attribute__((vector_size(32)));
using Vector16 = std::uint32_t __attribute__((vector_size(64)));

[[gnu::target("avx2")]] void add_blocks_8(States& states, const std::uint8_t* const* texts,
                                          std::size_t count) {
  add_blocks<Vector8>(states, texts, count);
}

[[gnu::target("avx512f")]] void add_blocks_16(States& states, const std::uint8_t* const* texts,
                                              std::size_t count) {
  add_blocks<Vector16>(states, texts, count);
}
#endif

struct Width {
  std::size_t lanes;
  AddBlocks add;
};

// The widest vectors of this processor, up to `lanes_max`.
Width choose_width([[maybe_unused]] std::size_t lanes_max) {
#if defined(__x86_64__)
  if (lanes_max >= 16 && __builtin_cpu_supports("avx512f")) return {16, add_blocks_16};
  if (lanes_max >= 8 && __builtin_cpu_supports("avx2")) return {8, add_blocks_8};
#endif
  return {4, add_blocks_4};
}

// One lane's way through its text: first the whole blocks where they stand, then one or two blocks
// with the rest, the padding and the length.
struct Lane {
  bool busy = false;
  bool in_tail = false;
  std::size_t text = 0;
  const std::uint8_t* next = nullptr;
  std::size_t blocks = 0;  // left at `next`
  std::size_t tail_blocks = 0;
  std::array<std::uint8_t, 2 * kBlock> tail;

  void begin(std::size_t index, std::string_view bytes) {
    busy = true;
    in_tail = false;
    text = index;
    next = reinterpret_cast<const std::uint8_t*>(bytes.data());
    blocks = bytes.size() / kBlock;
    const std::size_t rest = bytes.size() % kBlock;
    tail_blocks = rest < kBlock - 8 ? 1 : 2;
    tail.fill(0);
    if (rest > 0) std::memcpy(tail.data(), next + blocks * kBlock, rest);
    tail[rest] = 0x80;
    const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
    std::memcpy(tail.data() + tail_blocks * kBlock - 8, &bits, 8);
    if (blocks == 0) enter_tail();
  }

  // @return whether the text is finished.
  bool advance(std::size_t count) {
    next += count * kBlock;
    blocks -= count;
    if (blocks > 0) return false;
    if (in_tail) return true;
    enter_tail();
    return false;
  }

 private:
  void enter_tail() {
    in_tail = true;
    next = tail.data();
    blocks = tail_blocks;
  }
};

// The work of one call of md5_many.
class Lanes {
 public:
  Lanes(Width width, std::span<const std::string_view> texts, std::span<Md5Digest> digests)
      : width_(width), texts_(texts), digests_(digests), order_(texts.size()) {
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::sort(order_.begin(), order_.end(),
              [&](std::size_t a, std::size_t b) { return texts_[a].size() > texts_[b].size(); });
  }

  void run() {
    for (std::size_t lane = 0; lane < width_.lanes; ++lane) refill(lane);
    while (busy_ > kAloneMax) run_all_lanes();
    for (std::size_t lane = 0; lane < width_.lanes; ++lane) {
      if (lanes_[lane].busy) finish_alone(lane);
    }
  }

 private:
  void refill(std::size_t lane) {
    if (lanes_[lane].busy) --busy_;
    lanes_[lane].busy = false;
    if (taken_ == order_.size()) return;
    const std::size_t index = order_[taken_++];
    lanes_[lane].begin(index, texts_[index]);
    for (std::size_t word = 0; word < 4; ++word) states_.words[word][lane] = kInitialState[word];
    ++busy_;
  }

  // As many blocks as every busy lane has in one piece. Idle lanes read what a busy one reads.
  void run_all_lanes() {
    std::size_t count = SIZE_MAX;
    const std::uint8_t* any = nullptr;
    for (std::size_t lane = 0; lane < width_.lanes; ++lane) {
      if (!lanes_[lane].busy) continue;
      count = std::min(count, lanes_[lane].blocks);
      any = lanes_[lane].next;
    }
    std::array<const std::uint8_t*, kLanesMax> next;
    for (std::size_t lane = 0; lane < width_.lanes; ++lane) {
      next[lane] = lanes_[lane].busy ? lanes_[lane].next : any;
    }
    width_.add(states_, next.data(), count);
    for (std::size_t lane = 0; lane < width_.lanes; ++lane) {
      if (lanes_[lane].busy && lanes_[lane].advance(count)) {
        store_digest(lane, states_, lane);
        refill(lane);
      }
    }
  }

  void finish_alone(std::size_t lane) {
    States alone;
    for (std::size_t word = 0; word < 4; ++word) alone.words[word][0] = states_.words[word][lane];
    bool finished = false;
    while (!finished) {
      const std::size_t count = lanes_[lane].blocks;
      add_blocks_1(alone, &lanes_[lane].next, count);
      finished = lanes_[lane].advance(count);
    }
    store_digest(lane, alone, 0);
  }

  void store_digest(std::size_t lane, const States& states, std::size_t column) {
    Md5Digest& digest = digests_[lanes_[lane].text];
    for (std::size_t word = 0; word < 4; ++word) {
      std::memcpy(digest.data() + 4 * word, &states.words[word][column], 4);
    }
  }

  Width width_;
  std::span<const std::string_view> texts_;
  std::span<Md5Digest> digests_;
  std::vector<std::size_t> order_;  // of the texts, the longest first
  std::size_t taken_ = 0;
  std::size_t busy_ = 0;
  std::array<Lane, kLanesMax> lanes_;
  States states_{};
};

}  // namespace

void md5_in_lanes(std::span<const std::string_view> texts, std::span<Md5Digest> digests,
                  std::size_t lanes_max) {
  CHECK(texts.size() == digests.size());
  Lanes(choose_width(lanes_max), texts, digests).run();
}

}  // namespace millrace
