package tests;

import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.OAuth2TokenFormat;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Spring Authorization Server as Spring Boot sets it up, with clients from a file of metadata as
 * in RFC 7591. It wants each client's keys at a URL, so it serves those from the file itself.
 */
@SpringBootApplication
public class Server {
  private static final String CLIENTS = "${tests.clients}";
  private static final String LIFE = "${tests.life}";

  public static void main(String[] arguments) {
    try {
      SpringApplication.run(Server.class, arguments);
    } catch (RuntimeException failure) {
      System.exit(1); // it was logged; the server of keys would go on for ever
    }
  }

  @Bean
  RegisteredClientRepository clients(@Value(CLIENTS) File file, @Value(LIFE) long life)
      throws IOException {
    HttpServer keys = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    String at = "http://127.0.0.1:" + keys.getAddress().getPort() + "/";
    List<RegisteredClient> clients = new ArrayList<>();
    for (JsonNode told : new ObjectMapper().readTree(file)) {
      String id = told.get("client_id").asString();
      if (told.has("jwks")) {
        byte[] body = told.get("jwks").toString().getBytes(StandardCharsets.UTF_8);
        keys.createContext("/" + clients.size(), exchange -> {
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
      }
      clients.add(client(id, told, at + clients.size(), life));
    }
    keys.start();
    return new InMemoryRegisteredClientRepository(clients);
  }

  private static RegisteredClient client(String id, JsonNode told, String keys, long life) {
    ClientSettings.Builder client = ClientSettings.builder();
    if (told.has("jwks")) {
      client.jwkSetUrl(keys);
    }
    if (told.has("token_endpoint_auth_signing_alg")) {
      client.tokenEndpointAuthenticationSigningAlgorithm(
          SignatureAlgorithm.from(told.get("token_endpoint_auth_signing_alg").asString()));
    }
    if (told.has("tls_client_auth_subject_dn")) {
      client.x509CertificateSubjectDN(told.get("tls_client_auth_subject_dn").asString());
    }
    boolean opaque = told.path("opaque").asBoolean(false);
    TokenSettings token = TokenSettings.builder()
        .accessTokenTimeToLive(Duration.ofSeconds(life))
        .accessTokenFormat(opaque ? OAuth2TokenFormat.REFERENCE : OAuth2TokenFormat.SELF_CONTAINED)
        .x509CertificateBoundAccessTokens(
            told.path("tls_client_certificate_bound_access_tokens").asBoolean(false))
        .build();
    return RegisteredClient.withId(id)
        .clientId(id)
        .clientSecret(told.has("client_secret") ? "{noop}" + told.get("client_secret").asString() : null)
        .clientAuthenticationMethod(
            new ClientAuthenticationMethod(told.get("token_endpoint_auth_method").asString()))
        .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
        .scopes(scopes -> scopes.addAll(Set.of("read", "write")))
        .clientSettings(client.build())
        .tokenSettings(token)
        .build();
  }
}
