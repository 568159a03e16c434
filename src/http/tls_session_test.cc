// What is of TLS alone in a session: handshakes, versions, certificates. Everything else is tested
// over both kinds of stream by session_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "support/session_harness.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class TlsSessionTest : public SessionHarness, public ::testing::Test {
 protected:
  TlsSessionTest() : SessionHarness(true) {}

  SSL_CTX* client_context() { return client_tls_.native_handle(); }

  void speak_only(int version) {
    SSL_CTX_set_security_level(client_context(), 0);  // else the client would not even try
    SSL_CTX_set_min_proto_version(client_context(), version);
    SSL_CTX_set_max_proto_version(client_context(), version);
  }

  Client plain_client() { return Client(context_, listener_->port()); }

  /// What a client of this test's settings comes to: its request's status, 0 if it was turned away.
  asio::awaitable<unsigned> try_it() {
    Client one = connect();
    const error_code error = co_await one.shake_hands();
    if (error) co_return 0;
    // In TLS 1.3 a client has finished before the server has looked at its certificate.
    const Reply reply = co_await one.ask(std::string(kGet));
    co_return reply.status;
  }

  void have_certificate(const CertifiedKey& own) {
    client_tls_.use_certificate(asio::buffer(own.certificate), asio::ssl::context::pem);
    client_tls_.use_private_key(asio::buffer(own.key), asio::ssl::context::pem);
  }
};

TEST_F(TlsSessionTest, TellsTheHandlerThatTheClientIsSecure) {
  run([&]() -> Task {
    Client one = co_await client();
    EXPECT_EQ((co_await one.ask(std::string(kGet))).status, 200u);
    EXPECT_TRUE(came_securely_);
    EXPECT_STREQ(SSL_get_version(one.native()), "TLSv1.3");
  });
}

TEST_F(TlsSessionTest, GivesASlowHandshakeItsTime) {
  run([&]() -> Task {
    Client silent = plain_client();
    Client slow = plain_client();
    // The head of a record that never comes.
    co_await slow.send(std::string("\x16\x03\x01\x01\x00\x01", 6));
    co_await pass(seconds(9));
    EXPECT_EQ(listener_->connections(), 2u);
    co_await slow.send("\x01");
    co_await pass(seconds(1));
    EXPECT_TRUE(co_await silent.is_closed());
    EXPECT_TRUE(co_await slow.is_closed());
    EXPECT_EQ(listener_->connections(), 0u);
    EXPECT_EQ(handled_, 0);
  });
}

TEST_F(TlsSessionTest, AHandshakeTakesAPlace) {
  options_.connections = std::make_shared<ConnectionLimit>(1);
  run([&]() -> Task {
    Client silent = plain_client();
    co_await settle();
    Client next = connect();
    co_await settle();
    EXPECT_EQ(listener_->connections(), 1u);
    silent.close();
    co_await begin(next);
    EXPECT_EQ((co_await next.ask(std::string(kGet))).status, 200u);
  });
}

TEST_F(TlsSessionTest, ClosesOnWhatIsNoHandshake) {
  run([&]() -> Task {
    Client garbage = plain_client();
    co_await garbage.send(std::string(1000, 'x'));
    co_await settle();
    Client gone = plain_client();
    gone.close();
    Client reset = plain_client();
    co_await reset.send("\x16\x03\x01");
    co_await settle();
    reset.reset();
    garbage.close();
    co_await settle();
    EXPECT_EQ(listener_->connections(), 0u);
    EXPECT_EQ(handled_, 0);
    EXPECT_EQ(co_await try_it(), 200u);
  });
}

TEST_F(TlsSessionTest, TellsAClientOfPlainHttpWhatIsWrong) {
  run([&]() -> Task {
    for (const std::string& request : {std::string(kGet), post("/a", std::string(20'000, 'x'))}) {
      Client one = plain_client();
      const Reply reply = co_await one.ask(request);
      EXPECT_EQ(reply.status, 400u);
      EXPECT_THAT(reply.body, HasSubstr("https://"));
      EXPECT_TRUE(co_await one.is_closed());
    }
    EXPECT_EQ(handled_, 0);
  });
}

TEST_F(TlsSessionTest, AHandshakeDoesNotHoldUpTheEnd) {
  run([&]() -> Task {
    bool done = false;
    Client silent = plain_client();
    co_await settle();
    listener_->shut_down(seconds(10), [&] { done = true; });
    EXPECT_TRUE(co_await silent.is_closed());
    co_await settle();
    EXPECT_TRUE(done);
  });
}

TEST_F(TlsSessionTest, SpeaksTls12And13Only) {
  run([&]() -> Task {
    speak_only(TLS1_1_VERSION);
    EXPECT_EQ(co_await try_it(), 0u);
    speak_only(TLS1_2_VERSION);
    EXPECT_EQ(co_await try_it(), 200u);
    speak_only(TLS1_3_VERSION);
    EXPECT_EQ(co_await try_it(), 200u);
    put_in_force({}, TlsVersion::tls_1_3);
    EXPECT_EQ(co_await try_it(), 200u);
    speak_only(TLS1_2_VERSION);
    EXPECT_EQ(co_await try_it(), 0u);
  });
}

TEST_F(TlsSessionTest, RefusesWeakCiphers) {
  run([&]() -> Task {
    speak_only(TLS1_2_VERSION);
    for (const char* weak : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256",
                             "ECDHE-ECDSA-AES256-CCM8", "ECDHE-ECDSA-NULL-SHA"}) {
      EXPECT_EQ(SSL_CTX_set_cipher_list(client_context(), weak), 1) << weak;
      EXPECT_EQ(co_await try_it(), 0u) << weak;
    }
    EXPECT_EQ(SSL_CTX_set_cipher_list(client_context(), "ECDHE-ECDSA-AES256-GCM-SHA384"), 1);
    EXPECT_EQ(co_await try_it(), 200u);
  });
}

TEST_F(TlsSessionTest, AgreesOnHttp11) {
  run([&]() -> Task {
    const auto offer = [&](std::string protocols) {
      SSL_CTX_set_alpn_protos(client_context(),
                              reinterpret_cast<const unsigned char*>(protocols.data()),
                              static_cast<unsigned>(protocols.size()));
    };
    offer("\x02h2\x08http/1.1");
    Client one = co_await client();
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(one.native(), &chosen, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
    offer("\x02h2");
    EXPECT_EQ(co_await try_it(), 0u);
  });
}

TEST_F(TlsSessionTest, ResumesNoSession) {
  SSL_CTX_set_session_cache_mode(client_context(), SSL_SESS_CACHE_CLIENT);
  run([&]() -> Task {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      speak_only(version);
      Client first = co_await client();
      co_await first.ask(std::string(kGet));
      SSL_SESSION* session = SSL_get1_session(first.native());
      EXPECT_EQ(SSL_SESSION_has_ticket(session), 0);
      Client second = connect();
      SSL_set_session(second.native(), session);
      co_await begin(second);
      EXPECT_EQ(SSL_session_reused(second.native()), 0);
      SSL_SESSION_free(session);
    }
  });
}

TEST_F(TlsSessionTest, DoesNotNegotiateAnew) {
  run([&]() -> Task {
    speak_only(TLS1_2_VERSION);
    Client one = co_await client();
    EXPECT_EQ(SSL_renegotiate(one.native()), 1);
    EXPECT_EQ((co_await one.ask(std::string(kGet))).status, 0u);
    EXPECT_EQ(handled_, 0);
  });
}

TEST_F(TlsSessionTest, FollowsAChangeOfKeys) {
  run([&]() -> Task {
    Client one = co_await client();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(SSL_key_update(one.native(), SSL_KEY_UPDATE_REQUESTED), 1);
      EXPECT_EQ((co_await one.ask(post("/k", std::string(50'000, 'k')))).body.size(), 50'008u);
    }
  });
}

TEST_F(TlsSessionTest, AnEndWithinTlsIsAHangUp) {
  run([&]() -> Task {
    Client one = co_await client();
    co_await one.send(post("/wait", ""));
    co_await settle();
    EXPECT_NE(wake_, nullptr);
    one.end_tls();
    co_await settle();
    EXPECT_EQ(hang_ups_, 1);
    EXPECT_EQ(listener_->connections(), 0u);
  });
}

TEST_F(TlsSessionTest, NewConnectionsHaveTheNewCertificate) {
  run([&]() -> Task {
    const auto number_of = [](Client& one) {
      X509* certificate = SSL_get0_peer_certificate(one.native());
      return ASN1_INTEGER_get(X509_get0_serialNumber(certificate));
    };
    Client old = co_await client();
    co_await old.send(post("/wait", ""));
    co_await settle();
    put_in_force({});
    Client fresh = co_await client();
    EXPECT_GT(number_of(fresh), number_of(old));
    EXPECT_EQ((co_await fresh.ask(std::string(kGet))).status, 200u);
    wake_->cancel();
    EXPECT_EQ((co_await old.reply()).status, 200u);
    EXPECT_EQ((co_await old.ask(std::string(kGet))).status, 200u);
  });
}

TEST_F(TlsSessionTest, AsksForTheCertificatesOfClients) {
  const TestAuthority clients("Clients");
  const TestAuthority strangers("Strangers");
  run([&]() -> Task {
    put_in_force(clients.certificate());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      client_tls_ = asio::ssl::context(asio::ssl::context::tls_client);
      speak_only(version);
      EXPECT_EQ(co_await try_it(), 0u) << "without a certificate";
      have_certificate(strangers.issue("eve"));
      EXPECT_EQ(co_await try_it(), 0u) << "with a stranger's";
      have_certificate(clients.issue("late", {.from = -2, .until = -1}));
      EXPECT_EQ(co_await try_it(), 0u) << "with one that has expired";
      EXPECT_EQ(handled_, 0);
      have_certificate(clients.issue("ada"));
      EXPECT_EQ(co_await try_it(), 200u);
      handled_ = 0;
    }
  });
}

}  // namespace
}  // namespace millrace
