// Accounts are strangers to each other: every action, asked by its own account, by another one, and
// by nobody; and what users may do in their own.
#include "service/authorize.h"

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>

#include "auth/managed_policies.h"
#include "base/encoding.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Authorize : public ServiceFixture {
 protected:
  void SetUp() override {
    service_->access_enforced = true;
    context_->action = "SendMessage";  // where a test says no other
    ASSERT_TRUE(create("dead"));
    ASSERT_TRUE(create("q", {{"RedrivePolicy", R"({"deadLetterTargetArn":")" + arn("dead") +
                                                   R"(","maxReceiveCount":1})"}}));
    ASSERT_TRUE(send("q", "secret"));
  }

  /// Every action that concerns the queue "q" or "dead" of kAccount, by name; the last deletes "q".
  struct NamedCall {
    std::string name;
    std::function<Expected<void>()> ask;
  };
  std::vector<NamedCall> calls() {
    const auto call = [this]<class Response, class Request, class Fill>(
                          std::string name, Answer<Response> (*handler)(Context&, Request&),
                          Fill fill) {
      return NamedCall{name, [this, name, handler, fill]() -> Expected<void> {
                         context_->action = name;
                         Request request;
                         fill(request);
                         const Expected<Response> response = ask(handler, std::move(request));
                         if (!response) return response.error();
                         return {};
                       }};
    };
    // For what needs no more than the queue's URL, and what asks for its messages.
    const auto queue = [this](auto& request) { request.queue_url = url("q"); };
    const auto message = [queue](auto& request) {
      queue(request);
      request.receipt_handle = "no receipt handle";
    };
    const auto batch = [queue](auto& request) {
      queue(request);
      request.entries.emplace_back().id = "a";
    };
    const auto source = [this](auto& request) { request.source_arn = arn("dead"); };
    const std::string task =
        to_base64(R"({"taskId":"00000000-0000-4000-8000-000000000000","sourceArn":")" +
                  arn("dead") + R"("})");
    return {
        call("AddPermission", add_permission,
             [this](auto& request) {
               request = {.queue_url = url("q"),
                          .label = "l",
                          .aws_account_ids = {"111122223333"},
                          .actions = {"SendMessage"}};
             }),
        call("CancelMessageMoveTask", cancel_message_move_task,
             [task](auto& request) { request.task_handle = task; }),
        call("ChangeMessageVisibility", change_message_visibility, message),
        call("ChangeMessageVisibilityBatch", change_message_visibility_batch, batch),
        call("DeleteMessage", delete_message, message),
        call("DeleteMessageBatch", delete_message_batch, batch),
        call("GetQueueAttributes", get_queue_attributes, queue),
        call("GetQueueUrl", get_queue_url,
             [this](auto& request) {
               request = {.queue_name = "q", .queue_owner_aws_account_id = kAccount.text()};
             }),
        call("ListDeadLetterSourceQueues", list_dead_letter_source_queues, queue),
        call("ListMessageMoveTasks", list_message_move_tasks, source),
        call("ListQueueTags", list_queue_tags, queue),
        call("PurgeQueue", purge_queue, queue),
        call("ReceiveMessage", receive_message, queue),
        call("RemovePermission", remove_permission, queue),
        call("SendMessage", send_message,
             [queue](auto& request) {
               queue(request);
               request.message_body = "m";
             }),
        call("SendMessageBatch", send_message_batch, batch),
        call("SetQueueAttributes", set_queue_attributes,
             [this](auto& request) {
               request = {.queue_url = url("q"), .attributes = {{"DelaySeconds", "1"}}};
             }),
        call("StartMessageMoveTask", start_message_move_task, source),
        call("TagQueue", tag_queue,
             [this](auto& request) {
               request = {.queue_url = url("q"), .tags = {{"team", "shop"}}};
             }),
        call("UntagQueue", untag_queue, queue),
        call("DeleteQueue", delete_queue, queue),
    };
  }

  Caller stranger() const {
    return caller_of_user(*AccountId::parse("111122223333"), "eve", "AKIDEVE",
                          {find_managed_policy(kFullAccessPolicy)});
  }
  Caller user() const {
    return caller_of_user(kAccount, "ada", "AKIDADA", {find_managed_policy(kFullAccessPolicy)});
  }
  /// A user whose policies consist of one of these statements each.
  Caller user_with(std::initializer_list<std::string> statements) const {
    std::vector<PolicyPointer> policies;
    for (const std::string& statement : statements) {
      policies.push_back(std::make_shared<const Policy>(
          Policy::of_identity(R"({"Version":"2012-10-17","Statement":)" + statement + "}")
              .value()));
    }
    return caller_of_user(kAccount, "ada", "AKIDADA", std::move(policies));
  }
  /// Allows `actions`, a JSON text or array, with `resource`.
  static std::string allow(const std::string& actions, const std::string& resource = "*") {
    return R"({"Effect":"Allow","Action":)" + actions + R"(,"Resource":")" + resource + R"("})";
  }
  Caller nobody() const {
    return {.account = kAccount, .user = {}, .arn = {}, .sender_id = {}, .access_key = {}};
  }

  /// Gives the queue a policy of one statement, its Resource aside.
  Expected<void> try_policy(std::string_view queue, const std::string& statement) {
    call_as(user());
    context_->action = "SetQueueAttributes";
    const std::string policy = R"({"Version":"2012-10-17","Statement":{"Resource":")" + arn(queue) +
                               R"(",)" + statement + "}}";
    const Expected<api::SetQueueAttributesResponse> set =
        ask(set_queue_attributes, {.queue_url = url(queue), .attributes = {{"Policy", policy}}});
    if (!set) return set.error();
    return {};
  }
  void set_policy(std::string_view queue, const std::string& statement) {
    ASSERT_TRUE(try_policy(queue, statement));
  }
};

TEST_F(Authorize, AnotherAccountIsDeniedEveryAction) {
  call_as(stranger());
  for (const NamedCall& call : calls()) {
    const Expected<void> asked = call.ask();
    ASSERT_FALSE(asked) << call.name;
    const ErrorCode expected =
        call.name == "GetQueueUrl" ? ErrorCode::queue_does_not_exist : ErrorCode::access_denied;
    EXPECT_EQ(asked.error().row().shape, error_row(expected).shape) << call.name;
  }
  call_as(user());
  EXPECT_EQ(attribute("q", "DelaySeconds"), "0");
  EXPECT_THAT(bodies("q"), ElementsAre("secret"));
}

TEST_F(Authorize, EveryActionNotesItsQueueAndWhetherItWasDenied) {
  for (const bool denied : {true, false}) {
    call_as(denied ? stranger() : user());
    for (const NamedCall& call : calls()) {
      RequestNotes notes;
      context_->notes = &notes;
      static_cast<void>(call.ask());
      const bool moves = call.name.ends_with("MoveTask") || call.name.ends_with("MoveTasks");
      EXPECT_EQ(notes.resource, arn(moves ? "dead" : "q")) << call.name;
      EXPECT_EQ(notes.denied, denied) << call.name;
    }
  }
  RequestNotes notes;
  context_->notes = &notes;
  static_cast<void>(create("bad name\n"));
  EXPECT_EQ(notes.resource, arn("bad name\n"));
  notes = {};
  static_cast<void>(send("no-such-queue", "m"));
  EXPECT_EQ(notes.resource, arn("no-such-queue"));
  EXPECT_FALSE(notes.denied);
  call_as(nobody());
  notes = {};
  static_cast<void>(create("mine"));
  EXPECT_EQ(notes.resource, arn("mine"));
  EXPECT_TRUE(notes.denied);
  context_->notes = nullptr;
}

TEST_F(Authorize, NobodyIsDeniedEveryAction) {
  call_as(nobody());
  for (const NamedCall& call : calls()) {
    const Expected<void> asked = call.ask();
    ASSERT_FALSE(asked) << call.name;
    EXPECT_EQ(asked.error().code(), ErrorCode::access_denied) << call.name;
  }
  EXPECT_EQ(create("other").error().code(), ErrorCode::access_denied);
  EXPECT_EQ(create("other").error().message(),
            "Access to the resource http://localhost:9324/ is denied.");
  EXPECT_EQ(ask(list_queues, api::ListQueuesRequest()).error().code(), ErrorCode::access_denied);
  EXPECT_EQ(send("no-such-queue", "m").error().code(), ErrorCode::access_denied);
}

TEST_F(Authorize, AUserWithFullAccessMayDoEverythingInTheAccount) {
  call_as(user());
  for (const NamedCall& call : calls()) {
    const Expected<void> asked = call.ask();
    if (asked) continue;
    EXPECT_NE(asked.error().code(), ErrorCode::access_denied) << call.name;
    EXPECT_NE(asked.error().code(), ErrorCode::queue_does_not_exist) << call.name;
  }
}

TEST_F(Authorize, AUserWithoutAPolicyMayDoNothing) {
  call_as(user_with({}));
  for (const NamedCall& call : calls()) {
    const Expected<void> asked = call.ask();
    ASSERT_FALSE(asked) << call.name;
    EXPECT_EQ(asked.error().code(), ErrorCode::access_denied) << call.name;
    EXPECT_THAT(asked.error().message(),
                AllOf(HasSubstr("because no identity-based policy allows the sqs:"),
                      HasSubstr("user/ada is not authorized")))
        << call.name;
  }
  context_->action = "CreateQueue";
  EXPECT_EQ(create("other").error().message(),
            "User: arn:aws:iam::000000000000:user/ada is not authorized to perform: "
            "sqs:createqueue on resource: arn:aws:sqs:us-east-1:000000000000:other because no "
            "identity-based policy allows the sqs:createqueue action");
  EXPECT_EQ(create("other").error().query_message(),
            "Access to the resource http://localhost:9324/ is denied.");
  context_->action = "ListQueues";
  EXPECT_THAT(ask(list_queues, api::ListQueuesRequest()).error().message(),
              HasSubstr("on resource: arn:aws:sqs:us-east-1:000000000000: because no identity"));
  context_->action = "SendMessage";
  EXPECT_EQ(send("no-such-queue", "m").error().code(), ErrorCode::access_denied);
  context_->action = "GetQueueUrl";
  EXPECT_EQ(ask(get_queue_url, {.queue_name = "no-such-queue", .queue_owner_aws_account_id = {}})
                .error()
                .code(),
            ErrorCode::access_denied);
}

TEST_F(Authorize, EachActionNeedsThePermissionOfItsName) {
  call_as(user());
  const std::vector<NamedCall> all = calls();
  for (const NamedCall& call : all) {
    if (call.name == "StartMessageMoveTask") continue;  // needs more
    const std::string permission(policy_action_row(*policy_action_of(call.name)).name);
    call_as(user_with(
        {R"({"Effect":"Allow","NotAction":"sqs:)" + permission + R"(","Resource":"*"})"}));
    const Expected<void> refused = call.ask();
    ASSERT_FALSE(refused) << call.name;
    EXPECT_EQ(refused.error().code(), ErrorCode::access_denied) << call.name;
    call_as(user_with({allow("\"sqs:" + permission + "\"")}));
    const Expected<void> asked = call.ask();
    EXPECT_TRUE(asked || asked.error().code() != ErrorCode::access_denied) << call.name;
  }
}

TEST_F(Authorize, AMoveTaskNeedsToReceiveDeleteAndSendToo) {
  const std::vector<std::string> needed = {"StartMessageMoveTask@dead", "ReceiveMessage@dead",
                                           "DeleteMessage@dead", "GetQueueAttributes@dead",
                                           "SendMessage@q"};
  const auto start = [&](const std::string& left_out, std::optional<std::string> destination) {
    std::vector<PolicyPointer> policies;
    for (const std::string& permission : needed) {
      if (permission == left_out) continue;
      const std::size_t at = permission.find('@');
      policies.push_back(std::make_shared<const Policy>(
          Policy::of_identity(
              R"({"Statement":)" +
              allow("\"sqs:" + permission.substr(0, at) + "\"", arn(permission.substr(at + 1))) +
              "}")
              .value()));
    }
    call_as(caller_of_user(kAccount, "ada", "AKIDADA", policies));
    context_->action = "StartMessageMoveTask";
    return ask(start_message_move_task, {.source_arn = arn("dead"),
                                         .destination_arn = std::move(destination),
                                         .max_number_of_messages_per_second = {}});
  };
  for (const std::string& left_out : needed) {
    for (const std::optional<std::string>& destination :
         {std::optional<std::string>(), std::optional<std::string>(arn("q"))}) {
      const auto task = start(left_out, destination);
      ASSERT_FALSE(task) << left_out;
      const std::string action = left_out.substr(0, left_out.find('@'));
      EXPECT_EQ(task.error().code(), ErrorCode::access_denied) << left_out;
      EXPECT_THAT(task.error().message(),
                  HasSubstr(policy_action_row(*policy_action_of(action)).lower_name))
          << left_out;
    }
  }
  EXPECT_TRUE(start("", arn("q")));
}

TEST_F(Authorize, TagsOfANewQueueNeedPermissionAndCanBeAskedFor) {
  context_->action = "CreateQueue";
  call_as(user_with({allow(R"("sqs:CreateQueue")")}));
  EXPECT_TRUE(create("plain"));
  const Expected<api::CreateQueueResponse> refused = create("tagged", {}, {{"team", "red"}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(
      refused.error().message(),
      HasSubstr("perform: sqs:tagqueue on resource: " + arn("tagged") + " because no identity"));
  call_as(
      user_with({R"({"Effect":"Allow","Action":["sqs:CreateQueue","sqs:TagQueue"],"Resource":"*",)"
                 R"("Condition":)"
                 R"({"StringEquals":{"aws:RequestTag/team":"red"},)"
                 R"("ForAllValues:StringEquals":{"aws:TagKeys":"team"}}})",
                 R"({"Effect":"Allow","Action":"sqs:UntagQueue","Resource":"*","Condition":)"
                 R"({"ForAllValues:StringEquals":{"aws:TagKeys":"stage"}}})"}));
  EXPECT_TRUE(create("tagged", {}, {{"team", "red"}}));
  EXPECT_FALSE(create("blue", {}, {{"team", "blue"}}));
  EXPECT_FALSE(create("both", {}, {{"team", "red"}, {"stage", "test"}}));
  EXPECT_FALSE(create("untagged"));
  const auto tag = [&](const std::string& key, const std::string& value) {
    context_->action = "TagQueue";
    return ask(tag_queue, {.queue_url = url("q"), .tags = {{key, value}}}).has_value();
  };
  EXPECT_TRUE(tag("team", "red"));
  EXPECT_FALSE(tag("team", "blue"));
  EXPECT_FALSE(tag("stage", "test"));
  const auto untag = [&](const std::string& key) {
    context_->action = "UntagQueue";
    return ask(untag_queue, {.queue_url = url("q"), .tag_keys = {key}}).has_value();
  };
  EXPECT_TRUE(untag("stage"));
  EXPECT_FALSE(untag("team"));
}

TEST_F(Authorize, AnExplicitDenyOfTheUserSaysSo) {
  call_as(
      user_with({allow(R"("*")"), R"({"Effect":"Deny","Action":"sqs:SendMessage","Resource":")" +
                                      arn("q") + R"("})"}));
  context_->action = "SendMessage";
  EXPECT_EQ(send("q", "m").error().message(),
            "User: arn:aws:iam::000000000000:user/ada is not authorized to perform: "
            "sqs:sendmessage on resource: arn:aws:sqs:us-east-1:000000000000:q with an explicit "
            "deny in an identity-based policy");
  EXPECT_TRUE(send("dead", "m"));
}

TEST_F(Authorize, AQueuePolicyIsEnoughForAUserOfItsAccount) {
  set_policy("q", R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/ada"},)"
                  R"("Action":"sqs:SendMessage")");
  call_as(user_with({}));
  context_->action = "SendMessage";
  EXPECT_TRUE(send("q", "m"));
  EXPECT_FALSE(send("dead", "m"));
}

TEST_F(Authorize, AStrangerNeedsAPolicyOfItsOwnToo) {
  set_policy("q", R"("Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sqs:*")");
  call_as(caller_of_user(*AccountId::parse("111122223333"), "eve", "AKIDEVE"));
  context_->action = "SendMessage";
  EXPECT_THAT(send("q", "m").error().message(),
              HasSubstr("because no identity-based policy allows the sqs:sendmessage action"));
  call_as(caller_of_user(*AccountId::parse("111122223333"), kRootUser, "AKIDROOT"));
  EXPECT_TRUE(send("q", "m"));
}

TEST_F(Authorize, InDevelopmentModeEverybodyMayDoEverything) {
  service_->access_enforced = false;
  for (const Caller& caller : {stranger(), nobody()}) {
    call_as(caller);
    EXPECT_TRUE(send("q", "m"));
    EXPECT_TRUE(ask(list_queues, api::ListQueuesRequest()));
  }
}

TEST_F(Authorize, ADenialSaysWhoWasDeniedWhat) {
  call_as(stranger());
  context_->action = "SendMessage";
  const Expected<api::SendMessageResponse> sent = send("q", "m");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message(),
            "User: arn:aws:iam::111122223333:user/eve is not authorized to perform: "
            "sqs:sendmessage on resource: arn:aws:sqs:us-east-1:000000000000:q because no "
            "resource-based policy allows the sqs:sendmessage action");
  EXPECT_EQ(sent.error().query_message(),
            "Access to the resource http://localhost:9324/000000000000/q is denied.");
}

TEST_F(Authorize, AQueuePolicyLetsStrangersDoWhatItNames) {
  set_policy("q",
             R"("Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sqs:SendMessage")");
  call_as(stranger());
  context_->action = "SendMessageBatch";  // part of SendMessage
  EXPECT_TRUE(send("q", "m"));
  context_->action = "ReceiveMessage";
  api::ReceiveMessageRequest request;
  request.queue_url = url("q");
  EXPECT_EQ(ask(receive_message, request).error().code(), ErrorCode::access_denied);
  call_as(nobody());
  context_->action = "SendMessage";
  EXPECT_EQ(send("q", "m").error().code(), ErrorCode::access_denied);
}

TEST_F(Authorize, AQueuePolicyForEverybodyLetsAnonymousCallersIn) {
  set_policy("q", R"("Effect":"Allow","Principal":"*","Action":"sqs:SendMessage")");
  call_as(nobody());
  context_->action = "SendMessage";
  EXPECT_TRUE(send("q", "m"));
}

TEST_F(Authorize, ADenyKeepsTheAccountsOwnUsersOut) {
  set_policy("q", R"("Effect":"Deny","Principal":"*","Action":"sqs:SendMessage")");
  call_as(user());
  context_->action = "SendMessage";
  const Expected<api::SendMessageResponse> sent = send("q", "m");
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().message(),
              HasSubstr("with an explicit deny in a resource-based policy"));
}

TEST_F(Authorize, AConditionLooksAtTheRequest) {
  set_policy("q", R"("Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Condition":)"
                  R"({"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}})");
  call_as(stranger());
  context_->action = "SendMessage";
  context_->source_address = "192.0.2.7";
  EXPECT_TRUE(send("q", "m"));
  context_->source_address = "198.51.100.7";
  EXPECT_FALSE(send("q", "m"));
}

TEST_F(Authorize, APolicyThatMeansNothingIsRefused) {
  const Expected<void> set =
      try_policy("q", R"("Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Condition":)"
                      R"({"NoSuchOperator":{"aws:SourceIp":"192.0.2.0/24"}})");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().message(), "Invalid value for the parameter Policy.");
}

TEST_F(Authorize, AQueueThatIsNotThereIsNotThereForStrangersToo) {
  call_as(stranger());
  EXPECT_EQ(send("no-such-queue", "m").error().code(), ErrorCode::queue_does_not_exist);
  EXPECT_EQ(ask(list_message_move_tasks, {.source_arn = arn("no-such-queue"), .max_results = 1})
                .error()
                .code(),
            ErrorCode::resource_not_found);
}

TEST_F(Authorize, ListsAndDeadLettersStayInTheAccount) {
  call_as(stranger());
  EXPECT_THAT(ask(list_queues, api::ListQueuesRequest()).value().queue_urls, IsEmpty());
  ASSERT_TRUE(create("q"));  // of the same name, but another queue
  EXPECT_THAT(ask(list_queues, api::ListQueuesRequest()).value().queue_urls,
              ElementsAre("http://localhost:9324/111122223333/q"));
  api::ReceiveMessageRequest request;
  request.queue_url = "q";
  EXPECT_THAT(ask(receive_message, request).value().messages, IsEmpty());

  const Expected<api::CreateQueueResponse> leak =
      create("leak", {{"RedrivePolicy",
                       R"({"deadLetterTargetArn":")" + arn("dead") + R"(","maxReceiveCount":1})"}});
  ASSERT_FALSE(leak);
  EXPECT_THAT(leak.error().message(), HasSubstr("Dead letter target does not exist."));
}

TEST_F(Authorize, ATaskMovesNothingIntoAnotherAccount) {
  call_as(stranger());
  ASSERT_TRUE(create("theirs"));
  call_as(user());
  const auto task =
      ask(start_message_move_task, {.source_arn = arn("dead"),
                                    .destination_arn = "arn:aws:sqs:us-east-1:111122223333:theirs",
                                    .max_number_of_messages_per_second = 1});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().code(), ErrorCode::access_denied);
}

}  // namespace
}  // namespace millrace
