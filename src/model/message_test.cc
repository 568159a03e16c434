#include "model/message.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

MessageAttribute text(std::string name, std::string value, std::string type = "String") {
  return {std::move(name), std::move(type), std::move(value), false};
}

MessageAttribute bytes(std::string name, std::string value, std::string type = "Binary") {
  return {std::move(name), std::move(type), std::move(value), true};
}

std::string md5_text(const std::vector<MessageAttribute>& attributes) {
  return to_hex(attributes_md5(attributes));
}

// The text of the error, or nothing.
std::string error_of(const std::vector<MessageAttribute>& attributes) {
  const Expected<void> checked = check_message_attributes(attributes);
  if (checked) return {};
  EXPECT_EQ(checked.error().code(), ErrorCode::invalid_parameter_value);
  return checked.error().message();
}

// Values recorded from AWS.
TEST(AttributesMd5, IsThatOfSqs) {
  const MessageAttribute general = text("General", "Kenobi");
  const MessageAttribute hello = text("Hello", "There");
  const MessageAttribute help = text("Help.Me", "Me");
  EXPECT_EQ(md5_text({general, hello, help}), "4c360f3fdafd970e05fae2f149d997f5");
  EXPECT_EQ(md5_text({help, hello, general}), "4c360f3fdafd970e05fae2f149d997f5");
  EXPECT_EQ(md5_text({hello}), "a311262e065454b75da111d535b8dacd");
  EXPECT_EQ(md5_text({hello, help}), "83fee93c1bcd8b9a5a923ffacdc636c7");
  EXPECT_EQ(md5_text({general, hello}), "fca026605781cb4126a1e9044df24232");
  EXPECT_EQ(md5_text({bytes("blob", "\x01\x02\x03"), text("color", "blue"),
                      text("count", "3", "Number")}),
            "d838729972a4b70e2d2acd9d59ac847c");
  EXPECT_EQ(md5_text({text("color", "blue")}), "da1b33cc3cbfe8b1630921e78e6b9880");
  EXPECT_EQ(md5_text({text("MyAttribute", "foobar")}), "adb59cd4678ea5a855436b949cd07ab6");
  EXPECT_EQ(md5_text({text("timestamp", "1493147359900", "Number")}),
            "235c5c510d26fb653d073faed50ae77c");
  EXPECT_EQ(md5_text({bytes("attr1",
                            "traceparent\x1e"
                            "00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")}),
            "8cbe4db156db8a94db8b801b7addb984");
  EXPECT_EQ(md5_text({text("AWSTraceHeader",
                           "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;"
                           "Sampled=1")}),
            "5ae4d5d7636402d80f4eb6d213245a88");
}

TEST(AttributesMd5, IsTheSameOfViews) {
  const std::vector<MessageAttributeView> views = {{"Hello", "String", "There", false}};
  EXPECT_EQ(to_hex(attributes_md5(views)), "a311262e065454b75da111d535b8dacd");
}

TEST(MessageSize, CountsBodyNamesTypesAndValues) {
  const std::vector<MessageAttribute> attributes = {text("ab", "cde", "String.x"),
                                                    bytes("f", std::string(4, '\0'))};
  EXPECT_EQ(message_size("body", attributes), 4u + (2 + 8 + 3) + (1 + 6 + 4));
  EXPECT_EQ(message_size("", {}), 0u);
}

TEST(MessageAttributes, AreTakenInEveryGoodForm) {
  EXPECT_EQ(error_of({}), "");
  EXPECT_EQ(error_of({text("a-b_c.d9", "x"), text("A", "x", "String.my label"),
                      bytes("B", std::string(1, '\0'), "Binary.png"), text("\xc3\xb8", "y")}),
            "");
  EXPECT_EQ(error_of({text(std::string(256, 'n'), "x"),
                      text("t", "x", "String." + std::string(249, 't'))}),
            "");
  EXPECT_EQ(error_of({text("AWSx", "x"), text("Amazonas", "x")}), "");
}

TEST(MessageAttributes, AreTenAtMost) {
  std::vector<MessageAttribute> attributes;
  for (int i = 0; i < 10; ++i) attributes.push_back(text("n" + std::to_string(i), "x"));
  EXPECT_EQ(error_of(attributes), "");
  attributes.push_back(text("last", "x"));
  EXPECT_EQ(error_of(attributes),
            "Number of message attributes [11] exceeds the allowed maximum [10].");
}

TEST(MessageAttributes, HaveDistinctNames) {
  EXPECT_EQ(error_of({text("a", "x"), text("A", "x")}), "");
  EXPECT_NE(error_of({text("a", "x"), text("a", "y")}), "");
}

TEST(MessageAttributes, HaveNamesOfSqsAlphabet) {
  for (const std::string name : {"AWS.x", "aws.x", "Amazon.x", "AMAZON.x", ".x", "x."}) {
    EXPECT_TRUE(error_of({text(name, "x")}).starts_with("You can't use message attribute names"))
        << name;
  }
  for (const std::string name : {"", "a b", "a..b", "a/b", "a\x01", "\xff"}) {
    EXPECT_NE(error_of({text(name, "x")}), "") << name;
  }
  EXPECT_EQ(error_of({text(std::string(257, 'n'), "x")}),
            "Message (user) attribute name must be shorter than 256 bytes.");
}

TEST(MessageAttributes, HaveTypesOfSqs) {
  EXPECT_EQ(error_of({text("n", "x", "")}),
            "The message (user) attribute 'n' must contain a non-empty message attribute type.");
  for (const std::string type : {"string", "Text", "Strings", "String\x01", "Numberx", " Number"}) {
    EXPECT_EQ(error_of({text("n", "1", type)}),
              "The type of message (user) attribute 'n' is invalid. You must use only the "
              "following supported type prefixes: Binary, Number, String.")
        << type;
  }
  EXPECT_EQ(error_of({text("n", "x", "String." + std::string(250, 't'))}),
            "Message (user) attribute type must be shorter than 256 bytes.");
}

TEST(MessageAttributes, HaveValuesOfTheirType) {
  EXPECT_EQ(error_of({text("n", "")}),
            "Message (user) attribute 'n' must contain a non-empty value of type 'String'.");
  EXPECT_EQ(error_of({bytes("n", "")}),
            "Message (user) attribute 'n' must contain a non-empty value of type 'Binary'.");
  EXPECT_EQ(error_of({bytes("n", "x", "String")}),
            "Message (user) attribute 'n' with type 'String' must use field 'String'.");
  EXPECT_EQ(error_of({text("n", "x", "Binary")}),
            "Message (user) attribute 'n' with type 'Binary' must use field 'Binary'.");
  EXPECT_NE(error_of({text("n", "a\x01")}), "");
  EXPECT_NE(error_of({text("n", "\xed\xa0\x80")}), "");
}

TEST(MessageAttributes, TakeNumbersUpTo38DigitsAndTheirMagnitudes) {
  const std::string digits38(38, '9');
  for (const std::string& number :
       {std::string("0"), std::string("-0"), std::string("+1"), std::string("3"),
        std::string("-12.50"), std::string(".5"), std::string("5."), std::string("1e10"),
        std::string("1E-10"), std::string("1e126"), std::string("1e-128"), digits38, "-" + digits38,
        "0." + digits38, "000" + digits38 + "000", std::string("0e999"), "0.000" + digits38,
        std::string("0.1e127"), std::string(100, '0')}) {
    EXPECT_EQ(error_of({text("n", number, "Number.x")}), "") << number;
  }
  for (const std::string& number : {std::string("x"),
                                    std::string("1x"),
                                    std::string("--1"),
                                    std::string("."),
                                    std::string("1e"),
                                    std::string("1e+"),
                                    std::string("e5"),
                                    std::string("1 "),
                                    std::string("0x10"),
                                    std::string("1,5"),
                                    std::string("NaN"),
                                    std::string("1.2.3"),
                                    std::string("2e126"),
                                    std::string("1.1e126"),
                                    std::string("1e127"),
                                    std::string("1e-129"),
                                    std::string("9e-129"),
                                    digits38 + "9",
                                    "1" + std::string(37, '0') + "1",
                                    std::string("1e99999999999999999999")}) {
    EXPECT_EQ(error_of({text("n", number, "Number")}),
              "Can't cast the value of message (user) attribute 'n' to a number.")
        << number;
  }
}

ApiError error_of_given(GivenAttributeValue given) {
  return make_message_attribute("n", std::move(given)).error();
}

TEST(GivenAttribute, BecomesAnAttribute) {
  const Expected<MessageAttribute> string =
      make_message_attribute("n", {.data_type = "String", .string_value = "x"});
  ASSERT_TRUE(string);
  EXPECT_EQ(*string, text("n", "x"));
  const Expected<MessageAttribute> binary =
      make_message_attribute("n", {.data_type = "Binary", .binary_value = "x"});
  ASSERT_TRUE(binary);
  EXPECT_EQ(*binary, bytes("n", "x"));
}

TEST(GivenAttribute, HasExactlyOneValue) {
  EXPECT_EQ(error_of_given({.data_type = "String", .has_list_value = true}).code(),
            ErrorCode::unsupported_operation);
  EXPECT_EQ(
      error_of_given({.data_type = "String", .string_value = "x", .binary_value = "y"}).message(),
      "Message (user) attribute 'n' must have a single value.");
  EXPECT_EQ(error_of_given({.data_type = "String"}).message(),
            "The message (user) attribute 'n' must contain a non-empty message attribute value.");
  EXPECT_EQ(error_of_given({}).message(),
            "The message (user) attribute 'n' must contain a non-empty message attribute type.");
  EXPECT_EQ(error_of_given({.string_value = "x"}).message(),
            "The message (user) attribute 'n' must contain a non-empty message attribute type.");
  EXPECT_EQ(error_of_given({.data_type = "String", .string_value = ""}).message(),
            "Message (user) attribute 'n' must contain a non-empty value of type 'String'.");
}

TEST(TraceHeader, IsTheOnlySystemAttribute) {
  const std::vector<MessageAttribute> none;
  EXPECT_EQ(trace_header_of(none).value(), "");
  const std::vector<MessageAttribute> header = {text("AWSTraceHeader", "Root=1")};
  EXPECT_EQ(trace_header_of(header).value(), "Root=1");
  const std::vector<MessageAttribute> other = {text("SenderId", "x")};
  EXPECT_EQ(trace_header_of(other).error(),
            ApiError(ErrorCode::invalid_parameter_value,
                     "Message system attribute name 'SenderId' is invalid."));
  for (const MessageAttribute& bad :
       {text("AWSTraceHeader", ""), text("AWSTraceHeader", "x", "Number"),
        bytes("AWSTraceHeader", "x"), text("AWSTraceHeader", "\x01")}) {
    EXPECT_FALSE(trace_header_of({&bad, 1}));
  }
}

TEST(MessageBody, IsThereAndText) {
  EXPECT_TRUE(is_message_body("x"));
  EXPECT_FALSE(is_message_body(""));
  EXPECT_FALSE(is_message_body("a\x02"));
  EXPECT_EQ(bad_message_body("", "SendMessageBatchRequestEntry.1.MessageBody").message(),
            "The request must contain the parameter SendMessageBatchRequestEntry.1.MessageBody.");
  EXPECT_EQ(bad_message_body("a\x02", "MessageBody").code(), ErrorCode::invalid_message_contents);
}

TEST(MessageToken, IsPrintableAsciiWithoutSpaces) {
  std::string all;
  for (char c = '!'; c <= '~'; ++c) all += c;
  EXPECT_TRUE(check_message_token(all, "MessageGroupId"));
  EXPECT_TRUE(check_message_token(std::string(128, 'g'), "MessageGroupId"));
  EXPECT_EQ(check_message_token("a b", "MessageGroupId").error().message(),
            "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only "
            "include alphanumeric and punctuation characters. 1 to 128 in length.");
  for (const std::string& token : {std::string(), std::string(129, 'g'), std::string("\x7f"),
                                   std::string("\xc3\xbc"), std::string("a\n")}) {
    EXPECT_FALSE(check_message_token(token, "MessageDeduplicationId")) << token;
  }
}

TEST(BatchEntryId, IsEightyOfItsAlphabet) {
  EXPECT_TRUE(is_batch_entry_id("azAZ09-_"));
  EXPECT_TRUE(is_batch_entry_id(std::string(80, 'i')));
  EXPECT_FALSE(is_batch_entry_id(""));
  EXPECT_FALSE(is_batch_entry_id(std::string(81, 'i')));
  EXPECT_FALSE(is_batch_entry_id("a.b"));
  EXPECT_FALSE(is_batch_entry_id("a b"));
}

}  // namespace
}  // namespace millrace
