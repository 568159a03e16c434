#include "base/encoding.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/md5_lanes.h"
#include "base/random.h"

namespace millrace {
namespace {

std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

// The digest by another way into OpenSSL.
std::string oracle(const EVP_MD* algorithm, std::string_view bytes) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr);
  return to_hex({digest.data(), size});
}

TEST(Hex, AppendsLowerCaseDigits) {
  std::string text = "x";
  append_hex(text, std::array<std::uint8_t, 3>{0x00, 0xaf, 0xff});
  EXPECT_EQ(text, "x00afff");
}

TEST(Base64, FollowsRfc4648) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  EXPECT_EQ(to_base64("\xfb\xff\xfe"), "+//+");
}

TEST(Base64, ReadsWhatItWrote) {
  Random random(1);
  for (std::size_t size = 0; size < 100; ++size) {
    const std::string bytes = random_bytes(random, size);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotExact) {
  for (const std::string_view text :
       {"Z", "Zg", "Zg=", "Zg===", "====", "=", "Z===", "Zm9v=", "Zh==", "Zm9=", "Zm 9", "Zm-_",
        "Zg==Zg==", "Zm9v\n", "\xff\xff\xff\xff", "Z=g="}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

TEST(Percent, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(percent_encode("a b/\xc3\xbc+%"), "a%20b%2F%C3%BC%2B%25");
}

TEST(Percent, DecodesBothCasesAndPlus) {
  EXPECT_EQ(percent_decode("a%2fb%2Fc+d", false), "a/b/c+d");
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
  EXPECT_EQ(percent_decode("%00", false), std::string(1, '\0'));
}

TEST(Percent, RefusesBadEscapes) {
  for (const std::string_view text : {"%", "%4", "a%4g", "%g4", "%%41"}) {
    EXPECT_EQ(percent_decode(text, true), std::nullopt) << text;
  }
}

TEST(Encoding, HashesPieceByPieceAsInOne) {
  Sha256 pieces;
  for (const std::string_view piece : {"sa", "", "me"}) pieces.add(piece);
  EXPECT_EQ(pieces.finish(), sha256("same"));
  EXPECT_EQ(Sha256().finish(), sha256(""));
}

TEST(Digest, HasTheValuesOfTheStandards) {
  EXPECT_EQ(to_hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(to_hex(md5("hello")), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(to_hex(sha256("same")),
            "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5");
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Md5Many, AgreesWithOneAtATime) {
  Random random(2);
  std::vector<std::string> texts;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{55}, std::size_t{56}, std::size_t{63},
        std::size_t{64}, std::size_t{65}, std::size_t{119}, std::size_t{120}, std::size_t{128},
        std::size_t{1} << 20}) {
    texts.push_back(random_bytes(random, size));
  }
  while (texts.size() < 60) texts.push_back(random_bytes(random, random.below(3000)));
  for (std::size_t count = 0; count <= texts.size(); ++count) {
    // The long text takes part only sometimes: it is what runs on when all others have ended.
    const std::size_t first = count <= 40 ? random.below(texts.size() - count + 1) : 0;
    std::vector<std::string_view> views(texts.begin() + static_cast<std::ptrdiff_t>(first),
                                        texts.begin() + static_cast<std::ptrdiff_t>(first + count));
    const auto check = [&](const std::vector<Md5Digest>& digests) {
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(to_hex(digests[i]), oracle(EVP_md5(), views[i])) << count << ' ' << i;
      }
    };
    std::vector<Md5Digest> digests(count);
    md5_many(views, digests);
    check(digests);
    for (const std::size_t lanes_max : {4u, 8u, 16u}) {
      digests.assign(count, Md5Digest{});
      md5_in_lanes(views, digests, lanes_max);
      check(digests);
    }
  }
}

TEST(KeyedHash, AgreesWithHmacForEveryLengthOfKeyAndText) {
  Random random(3);
  for (const std::size_t key_size : {0u, 1u, 31u, 32u, 63u, 64u, 65u, 200u}) {
    const std::string key = random_bytes(random, key_size);
    const KeyedHash hash(key);
    for (const std::size_t size : {0u, 1u, 26u, 55u, 56u, 64u, 1000u}) {
      const std::string text = random_bytes(random, size);
      std::array<std::uint8_t, 32> expected{};
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), expected.data(),
           nullptr);
      EXPECT_EQ(hash(text), expected);
    }
  }
}

TEST(KeyedHash, CopiesAndMoves) {
  KeyedHash first("a");
  const KeyedHash copy(first);
  const KeyedHash moved(std::move(first));
  EXPECT_EQ(copy("x"), hmac_sha256("a", "x"));
  EXPECT_EQ(moved("x"), hmac_sha256("a", "x"));
  first = KeyedHash("b");
  EXPECT_EQ(first("x"), hmac_sha256("b", "x"));
}

TEST(Digest, MayBeTakenByManyThreadsAtOnce) {
  const KeyedHash hash("key");
  const Sha256Digest expected_hash = hash("text");
  const Md5Digest expected_md5 = md5("text");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 500; ++turn) {
        if (hash("text") != expected_hash || md5("text") != expected_md5) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(EqualConstantTime, ComparesLengthAndBytes) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
}

TEST(Uuid, GoesToTextAndBack) {
  const std::array<std::uint8_t, 16> bytes = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77,
                                              0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
  const std::string text = "00112233-4455-4677-8899-aabbccddeeff";
  EXPECT_EQ(to_uuid_text(bytes), text);
  EXPECT_EQ(from_uuid_text(text), bytes);
  EXPECT_EQ(from_uuid_text("00112233-4455-4677-8899-AABBCCDDEEFF"), bytes);
}

TEST(Uuid, RefusesOtherForms) {
  for (const std::string_view text :
       {"", "00112233445546778899aabbccddeeff", "00112233-4455-4677-8899-aabbccddeef",
        "00112233-4455-4677-8899-aabbccddeefg", "0011223304455-4677-8899-aabbccddeeff",
        "00112233-4455-4677-8899-aabbccddeeff0"}) {
    EXPECT_EQ(from_uuid_text(text), std::nullopt) << text;
  }
}

// `text` alone, and with so much around it that the fast way is taken before it, on it and after
// it.
void expect_text(std::string_view text, bool expected) {
  EXPECT_EQ(is_sqs_text(text), expected)
      << to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  for (std::size_t before = 0; before < 130; ++before) {
    std::string long_text(before, 'a');
    long_text.append(text);
    EXPECT_EQ(is_sqs_text(long_text), expected) << before;
    long_text.append(200 - before, 'b');
    ASSERT_EQ(is_sqs_text(long_text), expected) << before;
  }
}

TEST(SqsText, TakesWhatTheStandardTakes) {
  for (const std::string_view text :
       {"", "hello", "\t\r\n", " ~\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbd", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"}) {
    expect_text(text, true);
  }
}

TEST(SqsText, RefusesControlsBrokenAndForbiddenCharacters) {
  for (const std::string_view text : {std::string_view("\0", 1),
                                      std::string_view("\x01"),
                                      std::string_view("\x0b"),
                                      std::string_view("\x1f"),
                                      std::string_view("\x80"),  // no lead
                                      std::string_view("\xc0\x80"),
                                      std::string_view("\xc1\xbf"),  // overlong
                                      std::string_view("\xe0\x9f\xbf"),
                                      std::string_view("\xf0\x8f\xbf\xbf"),
                                      std::string_view("\xed\xa0\x80"),
                                      std::string_view("\xed\xbf\xbf"),  // surrogates
                                      std::string_view("\xef\xbf\xbe"),
                                      std::string_view("\xef\xbf\xbf"),  // U+FFFE, U+FFFF
                                      std::string_view("\xf4\x90\x80\x80"),
                                      std::string_view("\xf5\x80\x80\x80"),
                                      std::string_view("\xff"),
                                      std::string_view("\xc3"),
                                      std::string_view("\xe2\x82"),  // cut off
                                      std::string_view("\xf0\x9f\x98"),
                                      std::string_view("\xc3(")}) {
    expect_text(text, false);
  }
}

TEST(CountCharacters, CountsWhatStandsForOneOnce) {
  EXPECT_EQ(count_characters(""), 0U);
  EXPECT_EQ(count_characters("abc"), 3U);
  EXPECT_EQ(count_characters("a\u00e9\u20ac\U0001f600"), 4U);
}

TEST(ParseDigits, TakesPlainDigitsThatFit) {
  EXPECT_EQ(parse_digits("0"), 0);
  EXPECT_EQ(parse_digits("0042"), 42);
  EXPECT_EQ(parse_digits("9223372036854775807"), INT64_MAX);
  for (const std::string_view text : {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10",
                                      "9223372036854775808", "99999999999999999999"}) {
    EXPECT_EQ(parse_digits(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace millrace
