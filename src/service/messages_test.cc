#include "base/encoding.h"
#include "base/limits.h"
#include "service/handlers.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

api::MessageAttributeInput text_attribute(std::string name, std::string value) {
  api::MessageAttributeInput input;
  input.name = std::move(name);
  input.data_type = "String";
  input.string_value = std::move(value);
  return input;
}

api::SendMessageBatchRequestEntry entry(std::string id, std::string body) {
  api::SendMessageBatchRequestEntry one;
  one.id = std::move(id);
  one.message_body = std::move(body);
  return one;
}

class Messages : public ServiceFixture {
 protected:
  void SetUp() override { ASSERT_TRUE(create("q")); }

  api::SendMessageRequest message(std::string body) const {
    api::SendMessageRequest request;
    request.queue_url = url("q");
    request.message_body = std::move(body);
    return request;
  }
  api::ReceiveMessageRequest wanted() const {
    api::ReceiveMessageRequest request;
    request.queue_url = url("q");
    return request;
  }
  Expected<api::SendMessageBatchResponse> send_batch(
      std::vector<api::SendMessageBatchRequestEntry> entries) {
    return ask(send_message_batch, {.queue_url = url("q"), .entries = std::move(entries)});
  }
  // Sends a message and receives it.
  api::ReceivedMessage delivered(std::string body) {
    EXPECT_TRUE(ask(send_message, message(std::move(body))));
    return receive("q").value().messages.at(0);
  }
  Expected<api::NoOutput> erase(std::string handle) {
    return ask(delete_message, {.queue_url = url("q"), .receipt_handle = std::move(handle)});
  }
  Expected<api::NoOutput> hide(std::string handle, std::int64_t timeout) {
    return ask(change_message_visibility, {.queue_url = url("q"),
                                           .receipt_handle = std::move(handle),
                                           .visibility_timeout = timeout});
  }
  void expect_invalid(const api::SendMessageRequest& request, std::string_view text) {
    const Expected<api::SendMessageResponse> sent = ask(send_message, request);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error(), ApiError(ErrorCode::invalid_parameter_value, std::string(text)));
  }
  void expect_invalid(const api::ReceiveMessageRequest& request, std::string_view text) {
    const Expected<api::ReceiveMessageResponse> received = ask(receive_message, request);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error(), ApiError(ErrorCode::invalid_parameter_value, std::string(text)));
  }
};

TEST_F(Messages, AreReceivedAsTheyWereSent) {
  const Expected<api::SendMessageResponse> sent = ask(send_message, message("hello"));
  ASSERT_TRUE(sent);
  EXPECT_EQ(to_hex(sent->md5_of_message_body), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_FALSE(sent->md5_of_message_attributes);
  EXPECT_EQ(sent->sequence_number, "");
  const api::ReceiveMessageResponse received = receive("q").value();
  ASSERT_THAT(received.messages, SizeIs(1));
  const api::ReceivedMessage& one = received.messages.front();
  EXPECT_EQ(one.body, "hello");
  EXPECT_EQ(one.message_id, sent->message_id);
  EXPECT_EQ(one.md5_of_body, sent->md5_of_message_body);
  EXPECT_THAT(one.attributes, IsEmpty());
  EXPECT_NE(one.keep_alive, nullptr);
  EXPECT_NE(context_->attachment, nullptr);
}

// The sums are those that SQS answers (the reference, section 18).
TEST_F(Messages, AttributesAreSelectedAndSummed) {
  api::SendMessageRequest request = message("m");
  request.message_attributes = {text_attribute("Help.Me", "Me"), text_attribute("Hello", "There"),
                                text_attribute("General", "Kenobi")};
  const api::SendMessageResponse sent = ask(send_message, request).value();
  EXPECT_EQ(to_hex(*sent.md5_of_message_attributes), "4c360f3fdafd970e05fae2f149d997f5");

  const auto expect_selected = [&](std::vector<std::string> names, std::size_t count,
                                   std::string_view md5) {
    api::ReceiveMessageRequest receive_request = wanted();
    receive_request.visibility_timeout = 0;
    receive_request.message_attribute_names = std::move(names);
    const api::ReceiveMessageResponse received = ask(receive_message, receive_request).value();
    ASSERT_THAT(received.messages, SizeIs(1));
    const api::ReceivedMessage& one = received.messages.front();
    EXPECT_THAT(one.message_attributes, SizeIs(count));
    EXPECT_EQ(one.md5_of_message_attributes ? to_hex(*one.md5_of_message_attributes) : "", md5);
  };
  expect_selected({}, 0, "");
  expect_selected({"Nothing"}, 0, "");
  expect_selected({"All"}, 3, "4c360f3fdafd970e05fae2f149d997f5");
  expect_selected({"Hello"}, 1, "a311262e065454b75da111d535b8dacd");
  expect_selected({"Hel.*"}, 2, "83fee93c1bcd8b9a5a923ffacdc636c7");
}

TEST_F(Messages, SystemAttributesAreToldWhenAskedFor) {
  Caller caller = caller_of_user(kAccount, "ada", "AKIDEXAMPLE");
  caller.sender_id = "AIDAEXAMPLE";
  call_as(caller);
  api::SendMessageRequest request = message("m");
  request.message_group_id = "tenant";
  request.message_system_attributes = {
      text_attribute("AWSTraceHeader",
                     "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")};
  const api::SendMessageResponse sent = ask(send_message, request).value();
  EXPECT_EQ(to_hex(*sent.md5_of_message_system_attributes), "5ae4d5d7636402d80f4eb6d213245a88");

  advance(250);
  api::ReceiveMessageRequest receive_request = wanted();
  receive_request.attribute_names = {"SenderId"};
  receive_request.message_system_attribute_names = {"All"};
  receive_request.visibility_timeout = 0;
  const api::ReceiveMessageResponse all = ask(receive_message, receive_request).value();
  EXPECT_THAT(all.messages.at(0).attributes,
              ElementsAre(Pair("SenderId", "AIDAEXAMPLE"), Pair("SentTimestamp", "1700000000000"),
                          Pair("ApproximateReceiveCount", "1"),
                          Pair("ApproximateFirstReceiveTimestamp", "1700000000250"),
                          Pair("AWSTraceHeader", request.message_system_attributes[0].string_value),
                          Pair("MessageGroupId", "tenant")));
  receive_request.message_system_attribute_names = {};
  receive_request.attribute_names = {"ApproximateReceiveCount", "VisibilityTimeout"};
  const api::ReceiveMessageResponse some = ask(receive_message, receive_request).value();
  EXPECT_THAT(some.messages.at(0).attributes, ElementsAre(Pair("ApproximateReceiveCount", "2")));
}

TEST_F(Messages, TheTraceHeaderOfTheRequestCountsWhereNoneIsGiven) {
  api::SendMessageRequest request = message("m");
  request.trace_header = "Root=1-1-1";
  ASSERT_FALSE(ask(send_message, request).value().md5_of_message_system_attributes);
  api::ReceiveMessageRequest receive_request = wanted();
  receive_request.attribute_names = {"AWSTraceHeader"};
  EXPECT_THAT(ask(receive_message, receive_request).value().messages.at(0).attributes,
              ElementsAre(Pair("AWSTraceHeader", "Root=1-1-1")));
}

TEST_F(Messages, SendRefusesWhatSqsRefuses) {
  EXPECT_EQ(ask(send_message, message("")).error(), missing_parameter("MessageBody"));
  EXPECT_EQ(ask(send_message, message("\x01")).error().code(), ErrorCode::invalid_message_contents);

  api::SendMessageRequest request = message("m");
  request.delay_seconds = 901;
  expect_invalid(request,
                 "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be "
                 ">= 0 and <= 900.");
  request = message("m");
  request.message_deduplication_id = "d";
  expect_invalid(request,
                 "Value d for parameter MessageDeduplicationId is invalid. Reason: The request "
                 "include parameter that is not valid for this queue type.");
  request = message("m");
  request.message_group_id = "with space";
  expect_invalid(request,
                 "Value with space for parameter MessageGroupId is invalid. Reason: MessageGroupId "
                 "can only include alphanumeric and punctuation characters. 1 to 128 in length.");
  request = message("m");
  request.message_attributes = {text_attribute("a", "")};
  expect_invalid(request,
                 "Message (user) attribute 'a' must contain a non-empty value of type 'String'.");
  request = message("m");
  request.message_system_attributes = {text_attribute("Other", "x")};
  expect_invalid(request, "Message system attribute name 'Other' is invalid.");
}

TEST_F(Messages, SizeCountsTheAttributesAndEndsAtTheQueuesLimit) {
  ASSERT_TRUE(set("q", {{"MaximumMessageSize", "1024"}}));
  EXPECT_TRUE(ask(send_message, message(std::string(1'024, 'x'))));
  api::SendMessageRequest request = message(std::string(1'024 - 8, 'x'));
  request.message_attributes = {text_attribute("a", "v")};
  EXPECT_TRUE(ask(send_message, request));
  request.message_body += "x";
  expect_invalid(request,
                 "One or more parameters are invalid. Reason: Message must be shorter than 1024 "
                 "bytes.");
}

TEST_F(Messages, ADelayHidesAMessage) {
  api::SendMessageRequest request = message("m");
  request.delay_seconds = 5;
  ASSERT_TRUE(ask(send_message, request));
  EXPECT_EQ(attribute("q", "ApproximateNumberOfMessagesDelayed"), "1");
  EXPECT_THAT(bodies("q"), IsEmpty());
  advance(seconds(5));
  EXPECT_THAT(bodies("q"), ElementsAre("m"));
}

TEST_F(Messages, AnExplicitDelayOfZeroWinsOverTheQueues) {
  ASSERT_TRUE(set("q", {{"DelaySeconds", "5"}}));
  api::SendMessageRequest request = message("at once");
  request.delay_seconds = 0;
  ASSERT_TRUE(ask(send_message, message("later")));
  ASSERT_TRUE(ask(send_message, request));
  EXPECT_THAT(bodies("q"), ElementsAre("at once"));
}

TEST_F(Messages, ABatchSucceedsEntryByEntry) {
  ASSERT_TRUE(set("q", {{"MaximumMessageSize", "1024"}}));
  api::SendMessageBatchRequestEntry with_attribute = entry("b", "two");
  with_attribute.message_attributes = {text_attribute("Hello", "There")};
  const Expected<api::SendMessageBatchResponse> sent =
      send_batch({entry("a", "one"), entry("bad", ""), with_attribute,
                  entry("long", std::string(1'025, 'x'))});
  ASSERT_TRUE(sent);
  ASSERT_THAT(sent->successful, SizeIs(2));
  EXPECT_EQ(sent->successful[0].id, "a");
  EXPECT_EQ(sent->successful[0].md5_of_message_body, md5("one"));
  EXPECT_FALSE(sent->successful[0].md5_of_message_attributes);
  EXPECT_EQ(sent->successful[1].id, "b");
  EXPECT_EQ(sent->successful[1].md5_of_message_body, md5("two"));
  EXPECT_EQ(to_hex(*sent->successful[1].md5_of_message_attributes),
            "a311262e065454b75da111d535b8dacd");
  ASSERT_THAT(sent->failed, SizeIs(2));
  EXPECT_EQ(sent->failed[0].id, "bad");
  EXPECT_EQ(sent->failed[0].code, "MissingParameter");
  EXPECT_EQ(sent->failed[0].message,
            "The request must contain the parameter SendMessageBatchRequestEntry.2.MessageBody.");
  EXPECT_EQ(sent->failed[1].id, "long");
  EXPECT_EQ(sent->failed[1].code, "InvalidParameterValue");
  EXPECT_EQ(sent->failed[1].message,
            "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 "
            "bytes.");
  EXPECT_THAT(bodies("q"), ElementsAre("one", "two"));
}

TEST_F(Messages, ABatchOfWhichNothingIsGoodSendsNothing) {
  const Expected<api::SendMessageBatchResponse> sent = send_batch({entry("a", "")});
  ASSERT_TRUE(sent);
  EXPECT_THAT(sent->successful, IsEmpty());
  EXPECT_THAT(sent->failed, SizeIs(1));
}

TEST_F(Messages, ABatchFailsAsAWhole) {
  EXPECT_EQ(send_batch({}).error(),
            ApiError(ErrorCode::empty_batch_request,
                     "There should be at least one SendMessageBatchRequestEntry in the request."));
  std::vector<api::SendMessageBatchRequestEntry> eleven;
  for (int i = 0; i < 11; ++i) eleven.push_back(entry("same", "x"));
  EXPECT_EQ(send_batch(eleven).error(),
            ApiError(ErrorCode::too_many_entries_in_batch_request,
                     "Maximum number of entries per request are 10. You have sent 11."));
  EXPECT_EQ(send_batch({entry("a", "x"), entry("a", "y"), entry("b!", "z")}).error().code(),
            ErrorCode::invalid_batch_entry_id);
  EXPECT_EQ(send_batch({entry("a", "x"), entry("a", "y")}).error(),
            ApiError(ErrorCode::batch_entry_ids_not_distinct, "Id a repeated."));
  EXPECT_EQ(
      send_batch({entry("a", std::string(limits::kBatchBytesMax, 'x')), entry("b", "y")}).error(),
      ApiError(ErrorCode::batch_request_too_long,
               "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 "
               "bytes."));
  EXPECT_THAT(bodies("q"), IsEmpty());
}

TEST_F(Messages, ReceiveRefusesWhatSqsRefuses) {
  api::ReceiveMessageRequest request = wanted();
  request.max_number_of_messages = 11;
  expect_invalid(request,
                 "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 "
                 "and 10, if provided.");
  request = wanted();
  request.wait_time_seconds = -1;
  expect_invalid(request,
                 "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= "
                 "20, if provided.");
  request = wanted();
  request.visibility_timeout = 43'201;
  expect_invalid(request,
                 "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and "
                 "<= 43200, if provided.");
  request = wanted();
  request.receive_request_attempt_id = "a";
  expect_invalid(request,
                 "Value a for parameter ReceiveRequestAttemptId is invalid. Reason: The request "
                 "include parameter that is not valid for this queue type.");
}

TEST_F(Messages, AReceivedMessageIsHiddenForTheQueuesTimeout) {
  ASSERT_TRUE(set("q", {{"VisibilityTimeout", "10"}}));
  ASSERT_TRUE(send("q", "m"));
  EXPECT_THAT(bodies("q"), ElementsAre("m"));
  advance(seconds(10) - 1);
  EXPECT_THAT(bodies("q"), IsEmpty());
  advance(1);
  EXPECT_THAT(bodies("q"), ElementsAre("m"));
}

TEST_F(Messages, ADeliveryThatNobodyGotIsTakenBack) {
  ASSERT_TRUE(send("q", "one"));
  ASSERT_TRUE(send("q", "two"));
  ASSERT_EQ(receive("q", 10).value().messages.size(), 2u);
  const std::function<void()> undelivered = context_->on_undelivered;
  ASSERT_TRUE(undelivered);
  EXPECT_THAT(bodies("q"), IsEmpty());
  undelivered();
  io_.poll();
  // One receive need not bring both: what has been handed out may have to be loaded again.
  api::ReceiveMessageRequest request = wanted();
  request.attribute_names = {"ApproximateReceiveCount"};
  for (int i = 0; i < 2; ++i) {
    const api::ReceiveMessageResponse received = ask(receive_message, request).value();
    ASSERT_THAT(received.messages, SizeIs(1));
    EXPECT_THAT(received.messages[0].attributes, ElementsAre(Pair("ApproximateReceiveCount", "1")));
  }
}

TEST_F(Messages, AnEmptyReceiveLeavesNothingForTheReply) {
  EXPECT_THAT(receive("q").value().messages, IsEmpty());
  EXPECT_FALSE(context_->on_undelivered);
  EXPECT_EQ(context_->attachment, nullptr);
}

TEST_F(Messages, ADeletedMessageIsGoneAndItsHandleStaysGood) {
  const std::string handle = delivered("m").receipt_handle;
  ASSERT_TRUE(erase(handle));
  EXPECT_TRUE(erase(handle));
  advance(seconds(60));
  EXPECT_THAT(bodies("q"), IsEmpty());
}

TEST_F(Messages, HandlesOfOthersAreRefused) {
  const std::string handle = delivered("m").receipt_handle;
  ASSERT_TRUE(create("other"));
  const Expected<api::NoOutput> erased =
      ask(delete_message, {.queue_url = url("other"), .receipt_handle = handle});
  ASSERT_FALSE(erased);
  EXPECT_EQ(erased.error(),
            ApiError(ErrorCode::receipt_handle_is_invalid,
                     "The input receipt handle \"" + handle + "\" is not a valid receipt handle."));
  EXPECT_EQ(erase("garbage").error(),
            ApiError(ErrorCode::receipt_handle_is_invalid,
                     "The input receipt handle \"garbage\" is not a valid receipt handle."));
  EXPECT_EQ(hide("garbage", 1).error().code(), ErrorCode::receipt_handle_is_invalid);
  EXPECT_EQ(erase("").error(), missing_parameter("ReceiptHandle"));
}

TEST_F(Messages, ADeleteBatchAnswersEveryEntry) {
  const std::string first = delivered("one").receipt_handle;
  const std::string second = delivered("two").receipt_handle;
  const Expected<api::DeleteMessageBatchResponse> erased =
      ask(delete_message_batch,
          {.queue_url = url("q"),
           .entries = {{"a", first}, {"bad", "garbage"}, {"none", ""}, {"b", second}}});
  ASSERT_TRUE(erased);
  ASSERT_THAT(erased->successful, SizeIs(2));
  EXPECT_EQ(erased->successful[0].id, "a");
  EXPECT_EQ(erased->successful[1].id, "b");
  ASSERT_THAT(erased->failed, SizeIs(2));
  EXPECT_EQ(erased->failed[0].id, "bad");
  EXPECT_EQ(erased->failed[0].code, "ReceiptHandleIsInvalid");
  EXPECT_TRUE(erased->failed[0].sender_fault);
  EXPECT_EQ(
      erased->failed[1].message,
      "The request must contain the parameter DeleteMessageBatchRequestEntry.3.ReceiptHandle.");
  advance(seconds(60));
  EXPECT_THAT(bodies("q"), IsEmpty());
}

TEST_F(Messages, VisibilityIsChangedFromNowOn) {
  const std::string handle = delivered("m").receipt_handle;
  ASSERT_TRUE(hide(handle, 100));
  advance(seconds(99));
  EXPECT_THAT(bodies("q"), IsEmpty());
  ASSERT_TRUE(hide(handle, 0));
  EXPECT_THAT(bodies("q"), ElementsAre("m"));
}

TEST_F(Messages, VisibilityChangesThatSqsRefuses) {
  const std::string handle = delivered("m").receipt_handle;
  EXPECT_EQ(hide(handle, 43'201).error().message(),
            "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and "
            "43200.");
  advance(seconds(1));
  EXPECT_EQ(hide(handle, 43'200).error().message(),
            "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total "
            "VisibilityTimeout for the message is beyond the limit [43200 seconds]");
  ASSERT_TRUE(erase(handle));
  EXPECT_EQ(hide(handle, 1).error().message(),
            "Value " + handle +
                " for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
                "available for visibility timeout change.");
}

TEST_F(Messages, AVisibilityBatchAnswersEveryEntry) {
  const std::string first = delivered("one").receipt_handle;
  const std::string second = delivered("two").receipt_handle;
  ASSERT_TRUE(erase(second));
  const Expected<api::ChangeMessageVisibilityBatchResponse> changed =
      ask(change_message_visibility_batch, {.queue_url = url("q"),
                                            .entries = {{"none", first, std::nullopt},
                                                        {"range", first, -20},
                                                        {"gone", second, 1},
                                                        {"good", first, 0},
                                                        {"bad", "garbage", 0}}});
  ASSERT_TRUE(changed);
  ASSERT_THAT(changed->successful, SizeIs(1));
  EXPECT_EQ(changed->successful[0].id, "good");
  ASSERT_THAT(changed->failed, SizeIs(4));
  EXPECT_EQ(changed->failed[0].message,
            "The request must contain the parameter "
            "ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout.");
  EXPECT_EQ(changed->failed[1].message,
            "Value -20 for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must "
            "be an integer between 0 and 43200.");
  EXPECT_EQ(changed->failed[2].id, "gone");
  EXPECT_EQ(changed->failed[2].code, "InvalidParameterValue");
  EXPECT_EQ(changed->failed[3].code, "ReceiptHandleIsInvalid");
  EXPECT_THAT(bodies("q"), ElementsAre("one"));
}

// --- FIFO queues ---

class FifoMessages : public Messages {
 protected:
  void SetUp() override {
    ASSERT_TRUE(create("q.fifo", {{"FifoQueue", "true"}}));
    ASSERT_TRUE(
        create("content.fifo", {{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}}));
  }

  // A message that nothing is wrong with; each has a deduplication id of its own.
  api::SendMessageRequest message(std::string body) {
    api::SendMessageRequest request = Messages::message(std::move(body));
    request.queue_url = url("q.fifo");
    request.message_group_id = "group";
    request.message_deduplication_id = std::to_string(++ids_given_);
    return request;
  }
  static api::SendMessageBatchRequestEntry fifo_entry(std::string id,
                                                      std::optional<std::string> group,
                                                      std::optional<std::string> deduplication_id) {
    api::SendMessageBatchRequestEntry one = entry(std::move(id), "body");
    one.message_group_id = std::move(group);
    one.message_deduplication_id = std::move(deduplication_id);
    return one;
  }
  Expected<api::SendMessageBatchResponse> send_batch(
      std::vector<api::SendMessageBatchRequestEntry> entries) {
    return ask(send_message_batch, {.queue_url = url("q.fifo"), .entries = std::move(entries)});
  }
  // A message of `queue` with the system attributes that are asked for.
  api::ReceivedMessage receive_one(std::string_view queue, std::vector<std::string> names) {
    api::ReceiveMessageRequest request;
    request.queue_url = url(queue);
    request.message_system_attribute_names = std::move(names);
    return ask(receive_message, request).value().messages.at(0);
  }

  int ids_given_ = 0;
};

TEST_F(FifoMessages, TellTheirSequenceNumberAndTheirIds) {
  const api::SendMessageResponse first = ask(send_message, message("one")).value();
  const api::SendMessageResponse second = ask(send_message, message("two")).value();
  EXPECT_EQ(first.sequence_number.size(), 20u);
  EXPECT_EQ(second.sequence_number.size(), 20u);
  EXPECT_LT(first.sequence_number, second.sequence_number);

  const api::ReceivedMessage received = receive_one("q.fifo", {"All"});
  EXPECT_EQ(received.message_id, first.message_id);
  EXPECT_THAT(received.attributes,
              testing::IsSupersetOf(std::vector<std::pair<std::string_view, std::string>>{
                  {"SequenceNumber", first.sequence_number},
                  {"MessageDeduplicationId", "1"},
                  {"MessageGroupId", "group"}}));
}

TEST_F(FifoMessages, TellOnlyWhatIsAskedFor) {
  ASSERT_TRUE(ask(send_message, message("m")));
  EXPECT_THAT(receive_one("q.fifo", {"MessageDeduplicationId"}).attributes,
              ElementsAre(Pair("MessageDeduplicationId", "1")));
}

// The hash is the one that SQS was seen to make (the reference, section 18).
TEST_F(FifoMessages, TakeTheirDeduplicationIdFromTheBodyUnlessTheyHaveOne) {
  api::SendMessageRequest request = message("same");
  request.queue_url = url("content.fifo");
  request.message_deduplication_id = std::nullopt;
  ASSERT_TRUE(ask(send_message, request));
  EXPECT_THAT(
      receive_one("content.fifo", {"MessageDeduplicationId"}).attributes,
      ElementsAre(Pair("MessageDeduplicationId",
                       "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5")));

  request.message_group_id = "another";
  request.message_deduplication_id = "explicit";
  ASSERT_TRUE(ask(send_message, request));
  EXPECT_THAT(receive_one("content.fifo", {"MessageDeduplicationId"}).attributes,
              ElementsAre(Pair("MessageDeduplicationId", "explicit")));
}

TEST_F(FifoMessages, NeedAGroupAndADeduplicationId) {
  api::SendMessageRequest request = message("m");
  request.message_deduplication_id = std::nullopt;
  expect_invalid(request,
                 "The queue should either have ContentBasedDeduplication enabled or "
                 "MessageDeduplicationId provided explicitly");
  request.message_group_id = std::nullopt;
  EXPECT_EQ(ask(send_message, request).error(), missing_parameter("MessageGroupId"));
  request.queue_url = url("content.fifo");
  EXPECT_EQ(ask(send_message, request).error(), missing_parameter("MessageGroupId"));
}

TEST_F(FifoMessages, HaveIdsOfOneForm) {
  std::string all_punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  api::SendMessageRequest request = message("m");
  request.message_group_id = all_punctuation;
  request.message_deduplication_id = std::string(128, 'd');
  EXPECT_TRUE(ask(send_message, request));
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("\xc3\xa9"), std::string(129, 'x')}) {
    request = message("m");
    request.message_group_id = bad;
    expect_invalid(request, "Value " + bad +
                                " for parameter MessageGroupId is invalid. Reason: MessageGroupId "
                                "can only include alphanumeric and punctuation characters. 1 to "
                                "128 in length.");
    request = message("m");
    request.message_deduplication_id = bad;
    expect_invalid(request, "Value " + bad +
                                " for parameter MessageDeduplicationId is invalid. Reason: "
                                "MessageDeduplicationId can only include alphanumeric and "
                                "punctuation characters. 1 to 128 in length.");
  }
}

TEST_F(FifoMessages, HaveNoDelayOfTheirOwn) {
  for (const std::int64_t delay : {2, -1, 901}) {
    api::SendMessageRequest request = message("m");
    request.delay_seconds = delay;
    expect_invalid(request, "Value " + std::to_string(delay) +
                                " for parameter DelaySeconds is invalid. Reason: The request "
                                "include parameter that is not valid for this queue type.");
  }
  api::SendMessageRequest request = message("m");
  request.delay_seconds = 0;
  EXPECT_TRUE(ask(send_message, request));
}

TEST_F(FifoMessages, ABatchTellsSequenceNumbersInItsOrder) {
  const api::SendMessageBatchResponse sent =
      send_batch({fifo_entry("a", "g1", "1"), fifo_entry("b", "g2", "2")}).value();
  ASSERT_THAT(sent.successful, SizeIs(2));
  EXPECT_EQ(sent.successful[0].sequence_number.size(), 20u);
  EXPECT_LT(sent.successful[0].sequence_number, sent.successful[1].sequence_number);
}

TEST_F(FifoMessages, ABatchInWhichAnIdIsMissingFailsAsAWhole) {
  const auto expect_refused = [&](const api::SendMessageBatchRequestEntry& bad,
                                  std::string_view text) {
    EXPECT_EQ(send_batch({fifo_entry("good", "g", "1"), bad}).error(),
              ApiError(ErrorCode::invalid_parameter_value, std::string(text)));
  };
  expect_refused(fifo_entry("bad", std::nullopt, "2"),
                 "The request must contain the parameter MessageGroupId.");
  expect_refused(fifo_entry("bad", std::nullopt, std::nullopt),
                 "The request must contain the parameter MessageGroupId.");
  expect_refused(fifo_entry("bad", "g", std::nullopt),
                 "The queue should either have ContentBasedDeduplication enabled or "
                 "MessageDeduplicationId provided explicitly");
  EXPECT_THAT(bodies("q.fifo"), IsEmpty());
}

TEST_F(FifoMessages, ABatchFailsEntryByEntryForWhatIsWrongOtherwise) {
  api::SendMessageBatchRequestEntry delayed = fifo_entry("delayed", "g", "2");
  delayed.delay_seconds = 1;
  const api::SendMessageBatchResponse sent =
      send_batch({fifo_entry("good", "g", "1"), delayed, fifo_entry("group", "a b", "3"),
                  fifo_entry("id", "g", "")})
          .value();
  ASSERT_THAT(sent.successful, SizeIs(1));
  EXPECT_EQ(sent.successful[0].id, "good");
  ASSERT_THAT(sent.failed, SizeIs(3));
  for (const api::BatchResultErrorEntry& failed : sent.failed) {
    EXPECT_EQ(failed.code, "InvalidParameterValue") << failed.id;
    EXPECT_TRUE(failed.sender_fault) << failed.id;
  }
  EXPECT_EQ(sent.failed[0].message,
            "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter "
            "that is not valid for this queue type.");
}

TEST_F(FifoMessages, AReceiveMayNameItsAttempt) {
  api::ReceiveMessageRequest request;
  request.queue_url = url("q.fifo");
  request.receive_request_attempt_id = std::string(128, 'a');
  EXPECT_TRUE(ask(receive_message, request));
  for (const std::string& bad : {std::string(), std::string("a b"), std::string(129, 'a')}) {
    request.receive_request_attempt_id = bad;
    expect_invalid(request, "Value " + bad +
                                " for parameter ReceiveRequestAttemptId is invalid. Reason: "
                                "ReceiveRequestAttemptId can only include alphanumeric and "
                                "punctuation characters. 1 to 128 in length.");
  }
}

TEST_F(FifoMessages, AHandleThatHasExpiredDeletesNothing) {
  ASSERT_TRUE(ask(send_message, message("m")));
  const std::string handle = receive("q.fifo").value().messages.at(0).receipt_handle;
  advance(seconds(30));
  const std::string text = "Value " + handle +
                           " for parameter ReceiptHandle is invalid. Reason: The receipt handle "
                           "has expired.";
  const Expected<api::NoOutput> erased =
      ask(delete_message, {.queue_url = url("q.fifo"), .receipt_handle = handle});
  ASSERT_FALSE(erased);
  EXPECT_EQ(erased.error(), ApiError(ErrorCode::invalid_parameter_value, text));

  const api::DeleteMessageBatchResponse batch =
      ask(delete_message_batch,
          {.queue_url = url("q.fifo"), .entries = {{"bad", "garbage"}, {"late", handle}}})
          .value();
  EXPECT_THAT(batch.successful, IsEmpty());
  ASSERT_THAT(batch.failed, SizeIs(2));
  EXPECT_EQ(batch.failed[1].id, "late");
  EXPECT_EQ(batch.failed[1].code, "InvalidParameterValue");
  EXPECT_EQ(batch.failed[1].message, text);
}

}  // namespace
}  // namespace millrace
