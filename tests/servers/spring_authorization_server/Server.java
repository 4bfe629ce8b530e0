package oauthreg;

import static org.springframework.security.config.Customizer.withDefaults;
import static org.springframework.security.oauth2.core.AuthorizationGrantType.*;
import static org.springframework.security.oauth2.core.ClientAuthenticationMethod.*;

import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.catalina.connector.Connector;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.SpringSecurityCoreVersion;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.jose.jws.JwsAlgorithm;
import org.springframework.security.oauth2.jose.jws.MacAlgorithm;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.AuthorizationServerSettings;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;

/**
 * A real authorization server for the tests: Spring Authorization Server with one client for every
 * way to authenticate that it knows, and one for every grant.
 *
 * <p>Arguments: FOLDER (as tests/servers/certificates.py fills it, with the public key sets in
 * FOLDER/public), a port for http and one for https. Prints one line, "READY " and a JSON object
 * with its clients, and ends when its standard input does.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
public class Server {
    private static final Set<String> SCOPES = Set.of("openid", "read", "write");
    private static final List<String> CALLBACKS =
        List.of("http://127.0.0.1:9/callback", "https://app.example.com/callback");
    private static final AuthorizationGrantType[] EVERY_GRANT =
        {CLIENT_CREDENTIALS, AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE, TOKEN_EXCHANGE};
    // What these clients show the answers to. EdDSA is not among its algorithms; public clients may
    // redeem a code and no more; and whoever redeems a code with a code_verifier and without a
    // secret is taken for a public client, certificate or not.
    private static final List<String> REFUSED = List.of("key-ed25519",
        "none client_credentials", "none device_code", "none password", "none token-exchange",
        "none jwt-bearer", "mtls authorization_code", "mtls-self-signed authorization_code");
    private static final Map<String, String> USER = Map.of("username", "alice", "password", secret());

    private static final List<RegisteredClient> clients = new ArrayList<>();
    private static final Map<String, Object> known = new LinkedHashMap<>();
    private static Path folder;
    private static int port;

    public static void main(String[] arguments) throws IOException {
        PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(System.err); // the logs go there: READY stands alone
        folder = Path.of(arguments[0]);
        port = Integer.parseInt(arguments[1]);
        register();
        SpringApplication.run(Server.class,
            "--spring.main.banner-mode=off",
            "--spring.web.resources.static-locations=file:" + folder.resolve("public") + "/",
            "--server.address=127.0.0.1",
            "--server.port=" + arguments[2],
            "--server.ssl.certificate=" + folder.resolve("server.pem"),
            "--server.ssl.certificate-private-key=" + folder.resolve("server-key.pem"),
            "--server.ssl.trust-certificate=" + folder.resolve("trusted.pem"),
            "--server.ssl.client-auth=want");
        Map<String, Object> ready = Map.of("clients", known, "user", USER, "refused", REFUSED,
            "boot_version", SpringBootVersion.getVersion(),
            "version", SpringSecurityCoreVersion.getVersion());
        out.println("READY " + JSONObjectUtils.toJSONString(ready));
        while (System.in.read() >= 0) { } // until whoever started this is gone
        System.exit(0);
    }

    // --- clients: what the server is told, and what the tests are told ---------------------------

    private static void register() throws IOException {
        // One client for each way to authenticate, and each of them may use every grant.
        client("basic", CLIENT_SECRET_BASIC, EVERY_GRANT).add();
        client("post", CLIENT_SECRET_POST, EVERY_GRANT).add();
        client("none", NONE, EVERY_GRANT).add();
        client("secret-jwt", CLIENT_SECRET_JWT, EVERY_GRANT).signs(MacAlgorithm.HS256).add();
        client("key-rsa", PRIVATE_KEY_JWT, EVERY_GRANT).key("rsa").signs(SignatureAlgorithm.RS256).add();
        client("key-ec", PRIVATE_KEY_JWT, EVERY_GRANT).key("ec").signs(SignatureAlgorithm.ES256).add();
        Client edwards = client("key-ed25519", PRIVATE_KEY_JWT, EVERY_GRANT).key("ed25519");
        edwards.signs(SignatureAlgorithm.ES256).facts.put("algorithm", "EdDSA");
        edwards.add();
        Client mtls = client("mtls", TLS_CLIENT_AUTH, EVERY_GRANT).certificate("client");
        mtls.settings.x509CertificateSubjectDN("CN=mtls-client,O=oauthreg tests");
        mtls.add();
        Client lone = client("mtls-self-signed", SELF_SIGNED_TLS_CLIENT_AUTH, EVERY_GRANT);
        lone.certificate("self-signed").settings.jwkSetUrl(keySet("self-signed"));
        lone.add();

        Client odd = client("odd", CLIENT_SECRET_BASIC);
        odd.id = "odd+%:/=\"\\ id"; // printable ASCII only, which a secret need not be
        odd.secret = "a+b%2F:c/d=e\"f\\g h%zz ключ é€ " + secret();
        odd.add();
        Client brief = client("short", CLIENT_SECRET_BASIC);
        brief.tokens.accessTokenTimeToLive(Duration.ofSeconds(5));
        brief.add();
        client("dpop", CLIENT_SECRET_BASIC).add(); // a proof is taken from every client
        client("exchange", CLIENT_SECRET_BASIC, TOKEN_EXCHANGE).add();
        client("device", CLIENT_SECRET_BASIC, DEVICE_CODE, REFRESH_TOKEN).add();
        client("web", CLIENT_SECRET_BASIC, AUTHORIZATION_CODE, REFRESH_TOKEN).add();
        client("par", CLIENT_SECRET_BASIC, AUTHORIZATION_CODE).add();
    }

    private static Client client(String id, ClientAuthenticationMethod method, AuthorizationGrantType... grants) {
        return new Client(id, method, grants.length == 0 ? List.of(CLIENT_CREDENTIALS) : List.of(grants));
    }

    /** One client on its way into both lists. */
    private static final class Client {
        final String name;
        final ClientAuthenticationMethod method;
        final List<AuthorizationGrantType> grants;
        final ClientSettings.Builder settings = ClientSettings.builder().requireProofKey(true);
        final TokenSettings.Builder tokens = TokenSettings.builder().reuseRefreshTokens(false);
        final Map<String, Object> facts = new LinkedHashMap<>();
        String id;
        String secret;

        Client(String name, ClientAuthenticationMethod method, List<AuthorizationGrantType> grants) {
            this.name = id = name;
            this.method = method;
            this.grants = grants;
            secret = method.getValue().startsWith("client_secret_") ? secret() : null; // never two alike
        }

        Client signs(JwsAlgorithm algorithm) {
            settings.tokenEndpointAuthenticationSigningAlgorithm(algorithm);
            facts.put("algorithm", algorithm.getName());
            return this;
        }

        Client key(String file) throws IOException {
            settings.jwkSetUrl(keySet(file));
            facts.put("key_file", folder.resolve(file + ".pem").toString());
            facts.put("key_id", keyId(file));
            return this;
        }

        Client certificate(String file) {
            tokens.x509CertificateBoundAccessTokens(true);
            facts.put("certificate_file", folder.resolve(file + "-chain.pem").toString());
            facts.put("certificate_key_file", folder.resolve(file + "-key.pem").toString());
            return this;
        }

        void add() {
            clients.add(RegisteredClient.withId(name)
                .clientId(id)
                .clientSecret(secret)
                .clientAuthenticationMethod(method)
                .authorizationGrantTypes(all -> all.addAll(grants))
                .redirectUris(all -> all.addAll(grants.contains(AUTHORIZATION_CODE) ? CALLBACKS : List.of()))
                .scopes(all -> all.addAll(SCOPES))
                .clientSettings(settings.build())
                .tokenSettings(tokens.build())
                .build());
            facts.put("client_id", id);
            facts.put("client_secret", secret);
            facts.put("method", method.getValue());
            known.put(name, facts);
        }
    }

    private static String secret() {
        return UUID.randomUUID() + "-" + UUID.randomUUID();
    }

    private static String keySet(String file) {
        return "http://127.0.0.1:" + port + "/" + file + ".jwks.json";
    }

    @SuppressWarnings("unchecked")
    private static Object keyId(String file) throws IOException {
        String text = Files.readString(folder.resolve("public").resolve(file + ".jwks.json"));
        try {
            return ((List<Map<String, Object>>) JSONObjectUtils.parse(text).get("keys")).get(0).get("kid");
        } catch (java.text.ParseException error) {
            throw new IOException(error);
        }
    }

    // --- the server ------------------------------------------------------------------------------

    @Bean @Order(1)
    SecurityFilterChain protocol(HttpSecurity http) throws Exception {
        return http
            .oauth2AuthorizationServer(server -> {
                http.securityMatcher(server.getEndpointsMatcher());
                server.oidc(withDefaults())
                    .deviceAuthorizationEndpoint(withDefaults())
                    .deviceVerificationEndpoint(withDefaults())
                    .pushedAuthorizationRequestEndpoint(withDefaults());
            })
            .authorizeHttpRequests(all -> all.anyRequest().authenticated())
            .exceptionHandling(handling -> handling.defaultAuthenticationEntryPointFor(
                new LoginUrlAuthenticationEntryPoint("/login"),
                new MediaTypeRequestMatcher(MediaType.TEXT_HTML)))
            .build();
    }

    @Bean @Order(2)
    SecurityFilterChain login(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(all -> all
                .requestMatchers("/*.jwks.json", "/error").permitAll()
                .anyRequest().authenticated())
            .formLogin(withDefaults())
            .build();
    }

    @Bean
    RegisteredClientRepository clients() {
        return new InMemoryRegisteredClientRepository(clients);
    }

    @Bean
    UserDetailsService users() {
        return new InMemoryUserDetailsManager(
            User.withUsername(USER.get("username")).password(USER.get("password")).roles("USER").build());
    }

    @Bean
    AuthorizationServerSettings addresses() {
        return AuthorizationServerSettings.builder().build(); // the issuer is the host that was asked
    }

    /** Secrets as they are: any other encoder hashes them at first use, and costs 80 ms a token. */
    @Bean
    PasswordEncoder passwords() {
        return new PasswordEncoder() {
            @Override
            public String encode(CharSequence raw) {
                return raw.toString();
            }

            @Override
            public boolean matches(CharSequence raw, String encoded) {
                return encoded.contentEquals(raw);
            }
        };
    }

    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> httpBesideHttps() {
        return factory -> {
            Connector connector = new Connector();
            connector.setPort(port);
            connector.setProperty("address", "127.0.0.1");
            factory.addAdditionalConnectors(connector);
        };
    }
}
